// Amounts are texts and stay exact: what little the console computes with them is done in minor units.
/** a - b of two amounts of one currency, exactly. */
export function less(a: string, b: string): string {
    const digits = Math.max(a.split(".")[1]?.length ?? 0, b.split(".")[1]?.length ?? 0);
    const minor = (text: string) => {
        const [whole = "0", part = ""] = text.replace("-", "").split(".");
        const value = BigInt(whole || "0") * 10n ** BigInt(digits) + BigInt(part.padEnd(digits, "0") || "0");
        return text.startsWith("-") ? -value : value;
    };
    const left = minor(a) - minor(b), size = (left < 0n ? -left : left).toString().padStart(digits + 1, "0");
    return `${left < 0n ? "-" : ""}${digits > 0 ? `${size.slice(0, -digits)}.${size.slice(-digits)}` : size}`;
}
export const isAmount = (text: string) => /^\d+(\.\d{1,3})?$/.test(text.trim());
