// Who is signed in, the language, the scheme, and the way out.
import { Menu, useMantineColorScheme } from "@mantine/core";
import { session, signOut } from "../api/session";
import { locale, t } from "../i18n";
import { useCommands } from "./commands";
import { useStore } from "./store";
import { w } from "./words";

export default function Account() {
    const user = useStore(session)?.user;
    const name = user?.name ?? "";
    const { colorScheme, setColorScheme } = useMantineColorScheme();
    const schemes = [["light", w.light], ["dark", w.dark], ["auto", w.auto]] as const;
    const leave = () => void signOut();
    const swap = () => locale.set(locale.get() === "en" ? "zh-Hant" : "en");
    useCommands([
        { label: w.signOut, run: leave },
        { label: ["Traditional Chinese / 繁體中文", "English"], run: swap },
        { label: w.light, run: () => setColorScheme("light") },
        { label: w.dark, run: () => setColorScheme("dark") },
    ]);
    return (
        <Menu position="bottom-end" width={220}>
            <Menu.Target>
                <button type="button" className="account" aria-label={`${t(w.account)}: ${name}`}>
                    {name.slice(0, /^[\x20-\x7e]/.test(name) ? 2 : 1)}
                </button>
            </Menu.Target>
            <Menu.Dropdown>
                <Menu.Label>
                    {name} · {user?.role}
                    <br />
                    {user?.email}
                </Menu.Label>
                <Menu.Item onClick={swap}>{t(w.otherLanguage)}</Menu.Item>
                <Menu.Divider />
                <Menu.Label>{t(w.scheme)}</Menu.Label>
                {schemes.map(([name, phrase]) => (
                    <Menu.Item key={name} onClick={() => setColorScheme(name)} aria-current={colorScheme === name || undefined} rightSection={colorScheme === name ? "✓" : undefined}>
                        {t(phrase)}
                    </Menu.Item>
                ))}
                <Menu.Divider />
                <Menu.Item onClick={leave}>{t(w.signOut)}</Menu.Item>
            </Menu.Dropdown>
        </Menu>
    );
}
