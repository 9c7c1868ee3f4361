// Everything that can be done by a key or by name. A component says what it offers while it is shown; the keyboard,
// the palette (Ctrl-K) and the help (?) read from one list, so that none of them can promise what is not there.
import { useEffect, useRef } from "react";
import type { Phrase } from "../i18n";
import { store } from "./store";

export interface Command {
    label: Phrase;
    /** "j", "Shift+x", "g o" (one after the other), "Mod+k" (Ctrl or Command). */
    keys?: string;
    run: () => void;
    /** Not worth a line in the palette (moving about). */
    keyOnly?: boolean;
    /** Works while a field has the focus, too. */
    always?: boolean;
}
export const commands = store<readonly Command[]>([]);
/** A dialog is open: only what it offers itself is heard. */
let layers = 0;

export function useCommands(offered: readonly Command[], isOn = true) {
    const latest = useRef(offered);
    latest.current = offered;
    const shape = offered.map((one) => `${one.keys ?? ""}|${one.label[0]}`).join("\n");
    useEffect(() => {
        if (!isOn) return;
        const mine = latest.current.map((command, i) => ({ ...command, run: () => latest.current[i]?.run() }));
        commands.set([...mine, ...commands.get()]);
        return () => commands.set(commands.get().filter((one) => !mine.includes(one)));
    }, [shape, isOn]);
}
/** While a dialog is shown, the page behind it hears no keys. */
export function useLayer(isOpen: boolean) {
    useEffect(() => {
        if (!isOpen) return;
        layers++;
        // The key that closed the dialog is not heard by the page behind it.
        return () => void setTimeout(() => layers--);
    }, [isOpen]);
}

function isField(target: EventTarget | null) {
    return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName)) && !/^(checkbox|radio|button)$/.test((target as HTMLInputElement).type ?? "");
}
/** Enter and Space belong to what has the focus if that acts on them itself. */
function isPressable(target: EventTarget | null) {
    return target instanceof HTMLElement && target.closest("button, a, summary, [role=button], [role=menuitem], [role=option], input") !== null;
}
function nameOf(event: KeyboardEvent) {
    const key = event.key === " " ? "Space" : event.key;
    const mod = event.ctrlKey || event.metaKey ? "Mod+" : "";
    const shift = event.shiftKey && (key.length > 1 || /[A-Z]/i.test(key)) ? "Shift+" : "";
    return mod + shift + (key.length === 1 ? key.toLowerCase() : key);
}

const SCAN_GAP_MS = 35, SCAN_LENGTH = 5, SEQUENCE_MS = 1200;
let before = "";
let beforeAt = 0;
let scanned = "";
let scannedAt = 0;
let onScan: (text: string) => void = () => {};
/** A scanner types faster than anybody: its text goes here, wherever the focus is. */
export function setScanner(run: (text: string) => void) {
    onScan = run;
}

function isScan(event: KeyboardEvent): boolean {
    const isQuick = event.timeStamp - scannedAt < SCAN_GAP_MS;
    scannedAt = event.timeStamp;
    if (event.key === "Enter") {
        const text = scanned;
        scanned = "";
        if (!isQuick || text.length < SCAN_LENGTH || isField(event.target)) return false;
        event.preventDefault();
        onScan(text);
        return true;
    }
    if (event.key.length === 1) scanned = isQuick ? scanned + event.key : event.key;
    return isQuick && scanned.length > 2;
}

document.addEventListener("keydown", (event) => {
    if (event.isComposing || event.defaultPrevented || event.altKey) return;
    if (isScan(event)) return;
    const name = nameOf(event);
    const inField = isField(event.target);
    const sequence = event.timeStamp - beforeAt < SEQUENCE_MS && before !== "" ? `${before} ${name}` : "";
    const available = commands.get().filter((one) => one.keys && (!inField || one.always) && (layers === 0 || one.always));
    const command = available.find((one) => sequence !== "" && one.keys === sequence) ?? available.find((one) => one.keys === name);
    const isStart = !inField && available.some((one) => one.keys?.startsWith(`${name} `));
    before = isStart ? name : "";
    beforeAt = event.timeStamp;
    if (!command || ((name === "Enter" || name === "Space") && isPressable(event.target))) return;
    event.preventDefault();
    command.run();
});
