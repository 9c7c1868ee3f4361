// The console's first line: the theme, the session, and either the sign-in or the page that the address names.
import { MantineProvider } from "@mantine/core";
import { setNonce } from "get-nonce";
import { lazy, StrictMode, Suspense, useEffect } from "react";
import { createRoot } from "react-dom/client";
import { closeLive, openLive } from "./api/live";
import { loadSession, session } from "./api/session";
import { locale } from "./i18n";
import { Shell } from "./shell";
import { ActionHost } from "./ui/action";
import { forgetNames } from "./ui/actors";
import { forgetLists } from "./ui/pages";
import { Loaded } from "./ui/parts";
import { forgetAll, useResource } from "./ui/resource";
import { useStore } from "./ui/store";
import { theme } from "./ui/theme";
import { Toasts } from "./ui/toasts";

const SignIn = lazy(() => import("./pages/signin"));

// The style elements that the component library makes carry the page's nonce; nothing else may.
const nonce = document.querySelector<HTMLMetaElement>('meta[name="style-nonce"]')?.content ?? "";
setNonce(nonce);

function App() {
    const language = useStore(locale);
    const who = useStore(session);
    const asked = useResource("session", () => loadSession().then((found) => found ?? false));
    const user = who?.user?.id;
    useEffect(() => {
        document.documentElement.lang = language;
    }, [language]);
    useEffect(() => {
        if (user === undefined) return;
        openLive();
        return () => {
            closeLive();
            forgetAll();
            forgetLists();
            forgetNames();
        };
    }, [user]);
    return (
        <div key={language} className="app">
            {who === undefined ? <Loaded from={{ ...asked, data: undefined }}>{() => null}</Loaded> : who === null ? <Suspense><SignIn /></Suspense> : <Shell />}
            <ActionHost />
            <Toasts />
        </div>
    );
}

createRoot(document.getElementById("root") as HTMLElement).render(
    <StrictMode>
        <MantineProvider theme={theme} defaultColorScheme="auto" getStyleNonce={() => nonce}>
            <App />
        </MantineProvider>
    </StrictMode>,
);
