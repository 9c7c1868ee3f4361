// A password of one's own.
import { changePassword } from "../api/session";
import { t } from "../i18n";
import { act } from "./action";
import { w } from "./words";

export function askPassword() {
    act({
        title: t(w.password),
        preview: <p>{t(w.passwordPreview)}</p>,
        fields: [{ name: "now", label: w.passwordNow, kind: "secret" }, { name: "wanted", label: w.passwordNew, kind: "secret", hint: w.passwordHint }],
        verb: t(w.password),
        run: async (values) => {
            await changePassword(values.now ?? "", values.wanted ?? "");
            return t(w.passwordDone);
        },
    });
}
