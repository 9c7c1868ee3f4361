// The roles of services/gateway/roles.c, by name.
import { asIs, words, type Phrase } from "../i18n";

const names = words({
    owner: ["Owner", "擁有者"],
    order_desk: ["Order desk", "訂單專員"],
    customer_service: ["Customer service", "客服"],
    finance: ["Finance", "財務"],
    picker: ["Picker", "揀貨員"],
    packer: ["Packer", "包裝員"],
    store: ["Store", "門市"],
    read_only: ["Read only", "唯讀"],
});
export const ROLES = Object.keys(names) as (keyof typeof names)[];
export function rolePhrase(role: string | null | undefined): Phrase {
    return role && role in names ? names[role as keyof typeof names] : asIs(role ?? "");
}
