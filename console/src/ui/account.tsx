// Who is signed in, the language, the scheme, and the way out.
import { Menu, useMantineColorScheme } from "@mantine/core";
import { session, signOut } from "../api/session";
import { swapLocale, t } from "../i18n";
import { askPassword } from "./password";
import { rolePhrase } from "./roles";
import { useStore } from "./store";
import { w } from "./words";

export default function Account() {
    const user = useStore(session)?.user;
    const name = user?.name ?? "";
    const initials = name.slice(0, /^[\x20-\x7e]/.test(name) ? 2 : 1);
    const { colorScheme, setColorScheme } = useMantineColorScheme();
    const schemes = [["light", w.light], ["dark", w.dark], ["auto", w.auto]] as const;
    return (
        <Menu position="bottom-end" width={220} defaultOpened>
            <Menu.Target>
                <button type="button" className="account" aria-label={`${initials}: ${t(w.account)} ${name}`}>
                    {initials}
                </button>
            </Menu.Target>
            <Menu.Dropdown>
                <Menu.Label>
                    {name} · {t(rolePhrase(user?.role))}
                    <br />
                    {user?.email}
                </Menu.Label>
                <Menu.Item onClick={swapLocale}>{t(w.otherLanguage)}</Menu.Item>
                <Menu.Divider />
                <Menu.Label>{t(w.scheme)}</Menu.Label>
                {schemes.map(([name, phrase]) => (
                    <Menu.Item key={name} onClick={() => setColorScheme(name)} aria-current={colorScheme === name || undefined} rightSection={colorScheme === name ? "✓" : undefined}>
                        {t(phrase)}
                    </Menu.Item>
                ))}
                <Menu.Divider />
                <Menu.Item onClick={askPassword}>{t(w.password)}</Menu.Item>
                <Menu.Item onClick={() => void signOut()}>{t(w.signOut)}</Menu.Item>
            </Menu.Dropdown>
        </Menu>
    );
}
