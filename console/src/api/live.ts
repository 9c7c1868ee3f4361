// What happens while a page is open: /v1/live tells the type and key of every event that the session may read.
import { store } from "../ui/store";

export interface LiveEvent {
    type: string;
    key: string;
    service: string;
    position: number;
}
/** Whether news arrive; and since when they do not. */
export const liveState = store<{ isLive: boolean; since: number }>({ isLive: true, since: Date.now() });

const listeners = new Set<(event: LiveEvent) => void>();
/** Runs after the stream was away: what was missed is not told again, so lists read themselves anew. */
const resumers = new Set<() => void>();
let source: EventSource | null = null;
let again: ReturnType<typeof setTimeout> | undefined;
let wasAway = false;

export function onLive(listener: (event: LiveEvent) => void, resumed?: () => void): () => void {
    listeners.add(listener);
    if (resumed) resumers.add(resumed);
    return () => {
        listeners.delete(listener);
        if (resumed) resumers.delete(resumed);
    };
}

export function openLive() {
    closeLive();
    source = new EventSource("/v1/live");
    source.onopen = () => {
        liveState.set({ isLive: true, since: Date.now() });
        if (wasAway) for (const resume of [...resumers]) resume();
        wasAway = false;
    };
    source.onmessage = (message: MessageEvent<string>) => {
        const event = JSON.parse(message.data) as LiveEvent;
        for (const listener of [...listeners]) listener(event);
    };
    source.onerror = () => {
        wasAway = true;
        if (liveState.get().isLive) liveState.set({ isLive: false, since: Date.now() });
        // The browser tries again by itself unless the answer was no stream at all.
        if (source?.readyState === EventSource.CLOSED) again = setTimeout(openLive, 5000);
    };
}
export function closeLive() {
    clearTimeout(again);
    source?.close();
    source = null;
}
