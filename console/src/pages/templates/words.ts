import { t, words, type Phrase } from "../../i18n";

const kinds: Record<string, Phrase> = words({
    order_confirmation: ["Order confirmation", "訂單確認"],
    shipment: ["Shipment", "出貨通知"],
    refund: ["Refund", "退款通知"],
    order_edited: ["Order changed", "訂單變更"],
    staff_message: ["Message of the shop", "商店訊息"],
    order_code: ["One-time code", "一次性驗證碼"],
});
const locales: Record<string, Phrase> = words({ "zh-Hant": ["Traditional Chinese", "繁體中文"], en: ["English", "英文"] });

const named = (table: Record<string, Phrase>, word: string | null | undefined) => {
    const phrase = word ? table[word] : undefined;
    return phrase ? t(phrase) : (word ?? "");
};
export const kindName = (type: string | null | undefined) => named(kinds, type);
export const localeName = (locale: string | null | undefined) => named(locales, locale);
