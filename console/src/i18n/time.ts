// Times as people read them: how long ago today, the day before that, and the exact one on hover.
import { locale } from "./index";

const DAY = 86400;
export function exact(at: string | null | undefined): string {
    return at ? new Date(at).toLocaleString(locale.get(), { dateStyle: "medium", timeStyle: "medium" }) : "";
}
export function day(at: string | null | undefined): string {
    return at ? new Date(at).toLocaleDateString(locale.get(), { year: "numeric", month: "2-digit", day: "2-digit" }) : "";
}
export function clock(at: number): string {
    return new Date(at).toLocaleTimeString(locale.get(), { hour: "2-digit", minute: "2-digit" });
}
export function ago(at: string | null | undefined, now = Date.now()): string {
    if (!at) return "";
    const seconds = Math.round((Date.parse(at) - now) / 1000);
    const size = Math.abs(seconds);
    if (size >= 2 * DAY) {
        const sameYear = new Date(at).getFullYear() === new Date(now).getFullYear();
        return new Date(at).toLocaleDateString(locale.get(), { month: "short", day: "numeric", ...(sameYear ? {} : { year: "numeric" }) });
    }
    const format = new Intl.RelativeTimeFormat(locale.get(), { numeric: "always", style: "narrow" });
    if (size < 60) return locale.get() === "en" ? "now" : "剛剛";
    if (size < 3600) return format.format(Math.trunc(seconds / 60), "minute");
    if (size < DAY) return format.format(Math.trunc(seconds / 3600), "hour");
    return format.format(Math.trunc(seconds / DAY), "day");
}
