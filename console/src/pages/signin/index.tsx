import { Button, PasswordInput, TextInput } from "@mantine/core";
import { useState } from "react";
import { Problem } from "../../api/client";
import { signIn } from "../../api/session";
import { locale, swapLocale, t, words } from "../../i18n";
import { ProblemNote } from "../../ui/parts";
import { w } from "../../ui/words";

const p = words({
    title: ["Sign in", "登入"],
    email: ["E-mail", "電子郵件"],
    password: ["Password", "密碼"],
    show: ["Show the password", "顯示密碼"],
    wrong: ["The e-mail or the password is not right.", "電子郵件或密碼不正確。"],
    tooMany: ["Too many attempts. Wait a minute, then try again.", "嘗試次數過多,請稍候一分鐘再試。"],
    help: ["An owner makes accounts: penstock user add, or Settings, People.", "帳號由商店擁有者建立:penstock user add,或「設定」中的「人員」。"],
});

export default function SignIn() {
    const [email, setEmail] = useState("");
    const [password, setPassword] = useState("");
    const [problem, setProblem] = useState<Problem | null>(null);
    const [isRunning, setRunning] = useState(false);
    async function submit() {
        setRunning(true);
        setProblem(null);
        try {
            await signIn(email.trim(), password);
        } catch (error) {
            const found = error instanceof Problem ? error : new Problem(0, "broken", String(error), null, null);
            const sentence = found.status === 401 ? t(p.wrong) : found.status === 429 ? t(p.tooMany) : null;
            setProblem(sentence ? new Problem(found.status, found.code, sentence, null, found.traceId) : found);
            setPassword("");
            setRunning(false);
        }
    }
    return (
        <main className="sign-in">
            <form
                onSubmit={(event) => {
                    event.preventDefault();
                    void submit();
                }}
            >
                <h1>Penstock</h1>
                <TextInput size="sm" type="email" name="email" label={t(p.email)} autoComplete="username" required withAsterisk={false} autoFocus value={email} onChange={(event) => setEmail(event.currentTarget.value)} />
                <PasswordInput size="sm" name="password" label={t(p.password)} autoComplete="current-password" required withAsterisk={false} value={password} onChange={(event) => setPassword(event.currentTarget.value)} visibilityToggleButtonProps={{ "aria-label": t(p.show) }} />
                {problem && <ProblemNote problem={problem} />}
                <Button type="submit" size="sm" fullWidth loading={isRunning}>
                    {t(p.title)}
                </Button>
                <p className="fine">{t(p.help)}</p>
                <p>
                    <button type="button" className="quiet" lang={locale.get() === "en" ? "zh-Hant" : "en"} onClick={swapLocale}>
                        {t(w.otherLanguage)}
                    </button>
                </p>
            </form>
        </main>
    );
}
