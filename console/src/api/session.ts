// Who is signed in, and what they may do. The session itself is a cookie that no script sees.
import { call, onSignedOut, Problem, setCsrfToken } from "./client";
import type { Permission, Session } from "./schema.gen";
import { store } from "../ui/store";

/** undefined: not asked yet; null: nobody. */
export const session = store<Session | null | undefined>(undefined);

function take(found: Session | null) {
    setCsrfToken(found?.csrf_token ?? "");
    session.set(found);
    return found;
}
export async function loadSession() {
    try {
        return take(await call("GET /v1/session", {}));
    } catch (error) {
        if (error instanceof Problem && error.status === 401) return take(null);
        throw error;
    }
}
export async function signIn(email: string, password: string) {
    return take(await call("POST /v1/session", { email, password }));
}
export async function changePassword(password: string, wanted: string) {
    return take(await call("POST /v1/session/password", { password, new_password: wanted }));
}
export async function signOut() {
    await call("DELETE /v1/session", {});
    take(null);
}
export function can(permission: Permission): boolean {
    return session.get()?.permissions.includes(permission) ?? false;
}
onSignedOut(() => take(null));
