// What an action did, said once at the edge of the screen, with the way back where there is one.
import { t } from "../i18n";
import { store, useStore } from "./store";
import { w } from "./words";

interface Toast {
    id: number;
    text: string;
    undo?: () => void;
}
const toasts = store<readonly Toast[]>([]);
let count = 0;
export function tell(text: string, undo?: () => void) {
    const id = ++count;
    toasts.set([...toasts.get().slice(-3), { id, text, undo }]);
    setTimeout(() => toasts.set(toasts.get().filter((one) => one.id !== id)), undo ? 12_000 : 6000);
}
export function Toasts() {
    const shown = useStore(toasts);
    return (
        <div className="toasts" role="status" aria-live="polite">
            {shown.map((toast) => (
                <div key={toast.id} className="toast">
                    <span>{toast.text}</span>
                    {toast.undo && (
                        <button
                            type="button"
                            onClick={() => {
                                toasts.set(toasts.get().filter((one) => one.id !== toast.id));
                                toast.undo?.();
                            }}
                        >
                            {t(w.undo)}
                        </button>
                    )}
                </div>
            ))}
        </div>
    );
}
