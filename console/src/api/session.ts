// Who is signed in, and what they may do. The session itself is a cookie that no script sees.
import type { Permission } from "./schema.gen";
import { onSignedOut, Problem, send, setCsrfToken } from "./client";
import { store } from "../ui/store";

export interface Session {
    user: { id: string; name: string; email: string; role: string; locale: string | null };
    permissions: string[];
    csrf_token: string;
}
/** undefined: not asked yet; null: nobody. */
export const session = store<Session | null | undefined>(undefined);

function take(found: Session | null) {
    setCsrfToken(found?.csrf_token ?? "");
    session.set(found);
    return found;
}
export async function loadSession() {
    try {
        return take((await send("GET", "/v1/session", {})) as Session);
    } catch (error) {
        if (error instanceof Problem && error.status === 401) return take(null);
        throw error;
    }
}
export async function signIn(email: string, password: string) {
    return take((await send("POST", "/v1/session", { email, password })) as Session);
}
export async function signOut() {
    await send("DELETE", "/v1/session", {});
    take(null);
}
export function can(permission: Permission): boolean {
    return session.get()?.permissions.includes(permission) ?? false;
}
onSignedOut(() => take(null));
