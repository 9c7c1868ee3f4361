// A secret that is shown once: to copy, and gone.
import { t, words } from "../i18n";
import { act } from "./action";
import { CopyButton } from "./parts";
import { w } from "./words";

const p = words({ done: ["I have kept it", "我已保存"] });

export function showOnce(title: string, hint: string, secret: string) {
    // After the dialog that made it is gone.
    setTimeout(() =>
        act({
            title,
            preview: (
                <>
                    <p>{hint}</p>
                    <p>
                        <code className="secret">{secret}</code> <CopyButton text={secret} label={t(w.copy)} />
                    </p>
                </>
            ),
            verb: t(p.done),
            run: () => Promise.resolve(),
        }),
    );
}
