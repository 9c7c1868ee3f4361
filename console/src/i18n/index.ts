// Words in English and Traditional Chinese. Each folder keeps its own in words.ts, both languages of a phrase side
// by side, so that neither can be forgotten: the compiler refuses a phrase with one language, a phrase that is not
// there, and a call that leaves out a value which either language names.
import { keptStore } from "../ui/store";

export type Phrase = readonly [en: string, zh: string];
export type Locale = "en" | "zh-Hant";

/** A table of phrases; the type keeps the texts, so that t() knows what each needs. */
export function words<const T extends Record<string, Phrase>>(table: T): T {
    return table;
}

type NameOf<Inner extends string> = Inner extends `${infer Name}|${string}` ? Name : Inner;
type NamesIn<Text extends string> = string extends Text ? never : Text extends `${string}{${infer Inner}}${infer Rest}` ? NameOf<Inner> | NamesIn<Rest> : never;
type ValuesOf<P extends Phrase> = { [N in NamesIn<P[0]> | NamesIn<P[1]>]: string | number };
type Rest<P extends Phrase> = [NamesIn<P[0]> | NamesIn<P[1]>] extends [never] ? [] : [values: ValuesOf<P>];

const preferred: Locale = navigator.languages.some((one) => one.startsWith("zh")) || !navigator.languages.some((one) => one.startsWith("en")) ? "zh-Hant" : "en";
export const locale = keptStore<Locale>("locale", preferred);

export const swapLocale = () => locale.set(locale.get() === "en" ? "zh-Hant" : "en");

/** The phrase in the language of now: {name} is a value, {n|order|orders} the word that fits a number. */
export function t<P extends Phrase>(phrase: P, ...rest: Rest<P>): string {
    const text = phrase[locale.get() === "en" ? 0 : 1];
    const values = (rest[0] ?? {}) as Record<string, string | number>;
    return text.replace(/\{(\w+)(?:\|([^|}]*)\|([^}]*))?\}/g, (_, name: string, one?: string, many?: string) => {
        const value = values[name] ?? "";
        if (one === undefined) return typeof value === "number" ? number(value) : value;
        return (Number(value) === 1 ? one : many) ?? "";
    });
}

export function number(value: number): string {
    return value.toLocaleString(locale.get());
}

/** Symbols that cannot be mistaken for another dollar: HK$, NT$, US$. The digits are the same in both languages. */
const MONEY_LOCALE = "en-HK";
/** An amount to the cent of its currency; the text is never turned into a float. bare: without the currency. */
export function money(amount: { amount: string; currency: string } | null | undefined, bare = false): string {
    if (!amount) return "–";
    const digits = amount.amount.split(".")[1]?.length ?? 0;
    const format = new Intl.NumberFormat(MONEY_LOCALE, {
        ...(bare ? {} : { style: "currency", currency: amount.currency }),
        minimumFractionDigits: digits,
        maximumFractionDigits: digits,
    });
    return format.format(amount.amount as unknown as number);
}

/** Both languages of a text that the server or the shop gave: shown as it is. */
export function asIs(text: string): Phrase {
    return [text, text];
}
