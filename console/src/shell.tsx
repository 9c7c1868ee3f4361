// The frame around every page: the menu, the one search field, who is signed in, and what the keyboard offers everywhere.
import { useMantineColorScheme } from "@mantine/core";
import { Component, lazy, Suspense, useEffect, useRef, useState, type ReactNode } from "react";
import { liveState } from "./api/live";
import { call, Problem } from "./api/client";
import { can, session, signOut } from "./api/session";
import { swapLocale, t } from "./i18n";
import { clock } from "./i18n/time";
import { pages, type Page } from "./registry";
import { setScanner, useCommands, type Command } from "./ui/commands";
import { askPassword } from "./ui/password";
import { openPalette, PaletteHost } from "./ui/palette";
import { Blank, Kbd, NoRight, ProblemNote, Shape } from "./ui/parts";
import { Link, match, navigate, useAddress } from "./ui/router";
import { useStore } from "./ui/store";
import { w } from "./ui/words";

const AccountMenu = lazy(() => import("./ui/account"));
const mayOpen = (page: Page) => page.permission === null || can(page.permission);

export function Shell() {
    const { path, query } = useAddress();
    useStore(session);
    const found = pages.map((page) => ({ page, params: match(page.path, path) })).find((one) => one.params);
    const home = pages.find((page) => page.place === "menu" && mayOpen(page));
    useEffect(() => {
        if (path === "/" && home) navigate(home.path, { replace: true });
        else if (path === "/settings") navigate("/settings/shop", { replace: true });
    }, [path, home]);
    useEffect(() => {
        document.title = found ? `${t(found.page.label)}${found.params?.id ? ` ${found.params.id}` : ""} · Penstock` : "Penstock";
    }, [found?.page, found?.params?.id]);

    const go: Command[] = pages
        .filter((page) => page.place && mayOpen(page))
        .map((page) => ({ label: page.label, keys: page.key ? `g ${page.key}` : undefined, run: () => navigate(page.path) }));
    useCommands(go);

    const View = found?.page.view;
    return (
        <>
            <a className="skip" href="#content">
                {t(w.skip)}
            </a>
            <header className="top">
                <Link href="/" className="brand">
                    {t(w.product)}
                </Link>
                <nav aria-label={t(w.navigation)}>
                    {pages
                        .filter((page) => page.place === "menu" && mayOpen(page))
                        .map((page) => (
                            <Link key={page.path} href={page.path} aria-current={path.startsWith(page.path) ? "page" : undefined}>
                                {t(page.label)}
                            </Link>
                        ))}
                    {can("settings:read") && (
                        <Link href="/settings/shop" aria-current={path.startsWith("/settings") ? "page" : undefined}>
                            {t(w.settings)}
                        </Link>
                    )}
                </nav>
                <SearchField path={path} query={query.get("q") ?? ""} />
                <button type="button" className="quiet" onClick={openPalette} aria-label={`Ctrl k: ${t(w.palette)}`}>
                    <Kbd keys="Mod+k" />
                </button>
                <Account />
            </header>
            <LiveNote />
            <FirstPassword />
            <main id="content" tabIndex={-1}>
                {path.startsWith("/settings") && <SettingsMenu path={path} />}
                <Guard key={path}>
                    <Suspense fallback={<Shape />}>
                        {!found || !View ? path !== "/" && <Blank isPage title={t(w.notFound)} hint={t(w.notFoundHint)} /> : !mayOpen(found.page) ? <NoRight permission={found.page.permission ?? ""} /> : <View params={found.params ?? {}} />}
                    </Suspense>
                </Guard>
            </main>
            <PaletteHost />
        </>
    );
}

const search = (wanted: string) => navigate(wanted.trim() ? `/orders?q=${encodeURIComponent(wanted.trim())}` : "/orders");
/** What is scanned is opened if it is one order's; else it is searched for. */
function openScanned(text: string) {
    call("GET /v1/orders/{id}", { id: text }).then(
        (order) => navigate(`/orders/${order.number}`),
        () => search(text),
    );
}

/** One field that understands whatever is typed or scanned; the orders page says what it made of it. */
function SearchField({ path, query }: { path: string; query: string }) {
    const [text, setText] = useState(query);
    const field = useRef<HTMLInputElement>(null);
    useEffect(() => setText(path === "/orders" ? query : ""), [path, query]);
    useCommands([{ label: w.search, keys: "/", run: () => field.current?.select() }]);
    useEffect(() => setScanner(openScanned), []);
    return (
        <form
            role="search"
            onSubmit={(event) => {
                event.preventDefault();
                search(text);
                field.current?.blur();
            }}
        >
            <input
                ref={field}
                type="search"
                name="q"
                value={text}
                placeholder={t(w.search)}
                aria-label={t(w.search)}
                autoComplete="off"
                spellCheck={false}
                onChange={(event) => setText(event.currentTarget.value)}
                onKeyDown={(event) => {
                    if (event.key === "Escape") event.currentTarget.blur();
                }}
            />
            <Kbd keys="/" />
        </form>
    );
}

const initials = (name: string) => name.slice(0, /^[\x20-\x7e]/.test(name) ? 2 : 1);
/** The menu behind it is fetched when it is wanted. */
function Account() {
    const name = useStore(session)?.user?.name ?? "";
    const [isWanted, setWanted] = useState(false);
    const { setColorScheme } = useMantineColorScheme();
    useCommands([
        { label: w.password, run: askPassword },
        { label: w.signOut, run: () => void signOut() },
        { label: ["Traditional Chinese / 繁體中文", "English / 英文"], run: swapLocale },
        { label: w.light, run: () => setColorScheme("light") },
        { label: w.dark, run: () => setColorScheme("dark") },
    ]);
    const face = (
        <button type="button" className="account" aria-haspopup="menu" aria-label={`${initials(name)}: ${t(w.account)} ${name}`} onClick={() => setWanted(true)}>
            {initials(name)}
        </button>
    );
    return isWanted ? (
        <Suspense fallback={face}>
            <AccountMenu />
        </Suspense>
    ) : (
        face
    );
}

function LiveNote() {
    const { isLive, since } = useStore(liveState);
    const [isLong, setLong] = useState(false);
    useEffect(() => {
        setLong(false);
        if (isLive) return;
        // A reconnection that takes a moment is nobody's concern.
        const timer = setTimeout(() => setLong(true), 3000);
        return () => clearTimeout(timer);
    }, [isLive]);
    return isLong && !isLive ? (
        <p className="live-note tone-waiting" role="status">
            {t(w.stale, { time: clock(since) })}
        </p>
    ) : null;
}

function FirstPassword() {
    const user = useStore(session)?.user;
    return user?.has_first_password ? (
        <aside className="live-note tone-waiting" aria-label={t(w.password)}>
            {t(w.passwordFirst)}{" "}
            <button type="button" className="quiet" onClick={askPassword}>
                {t(w.password)}
            </button>
        </aside>
    ) : null;
}

function SettingsMenu({ path }: { path: string }) {
    return (
        <nav className="sub" aria-label={t(w.settings)}>
            {pages
                .filter((page) => page.place === "settings" && mayOpen(page))
                .map((page) => (
                    <Link key={page.path} href={page.path} aria-current={path === page.path ? "page" : undefined}>
                        {t(page.label)}
                    </Link>
                ))}
        </nav>
    );
}

/** A page that breaks says so, and the rest goes on. */
class Guard extends Component<{ children: ReactNode }, { error: unknown }> {
    override state = { error: null as unknown };
    static getDerivedStateFromError(error: unknown) {
        return { error };
    }
    override render() {
        if (this.state.error === null) return this.props.children;
        return <ProblemNote problem={new Problem(0, "broken", String(this.state.error), null, null)} retry={() => location.reload()} />;
    }
}
