// Addresses: the URL holds what a page shows, so that it can be sent to a colleague and Back works.
import { useSyncExternalStore, type AnchorHTMLAttributes } from "react";

const listeners = new Set<() => void>();
const tell = () => listeners.forEach((listener) => listener());
addEventListener("popstate", tell);

export function navigate(to: string, how: { replace?: boolean } = {}) {
    if (to === location.pathname + location.search) return;
    history[how.replace ? "replaceState" : "pushState"](null, "", to);
    tell();
}
function subscribe(listener: () => void) {
    listeners.add(listener);
    return () => listeners.delete(listener);
}
export function useAddress(): { path: string; query: URLSearchParams } {
    const address = useSyncExternalStore(subscribe, () => location.pathname + location.search);
    const [path = "/", query] = address.split(/\?(.*)/s);
    return { path, query: new URLSearchParams(query ?? "") };
}
/** The parameters of "/orders/:id" in a path, or null when it is another. */
export function match(pattern: string, path: string): Record<string, string> | null {
    const names = pattern.split("/"), parts = path.split("/");
    if (names.length !== parts.length) return null;
    const found: Record<string, string> = {};
    for (const [i, name] of names.entries()) {
        const part = parts[i] ?? "";
        if (name.startsWith(":")) found[name.slice(1)] = decodeURIComponent(part);
        else if (name !== part) return null;
    }
    return found;
}
/** A link that stays in the page, unless the reader wants a tab of its own. */
export function Link({ href, onClick, ...rest }: AnchorHTMLAttributes<HTMLAnchorElement> & { href: string }) {
    return (
        <a
            href={href}
            onClick={(event) => {
                onClick?.(event);
                if (event.defaultPrevented || event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
                event.preventDefault();
                navigate(href);
            }}
            {...rest}
        />
    );
}
/** The address with some of its query changed; an empty value takes one out. */
export function withQuery(path: string, query: URLSearchParams, change: Record<string, string | null>): string {
    const next = new URLSearchParams(query);
    for (const [name, value] of Object.entries(change)) {
        if (value) next.set(name, value);
        else next.delete(name);
    }
    return next.size > 0 ? `${path}?${next}` : path;
}
