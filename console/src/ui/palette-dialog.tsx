// The palette's dialogs: see palette.tsx.
import { useState } from "react";
import { t } from "../i18n";
import type { Command } from "./commands";
import { Kbd } from "./parts";
import { Sheet } from "./Sheet";
import { w } from "./words";

export function KeyList({ offered, close }: { offered: readonly Command[]; close: () => void }) {
    const keyed = offered.filter((one, i) => one.keys && !one.keys.startsWith("Arrow") && offered.findIndex((other) => other.keys === one.keys) === i);
    return (
        <Sheet title={t(w.keys)} size="lg" close={close}>
            <dl className="key-list">
                {keyed.map((one) => (
                    <div key={one.keys}>
                        <dt>
                            <Kbd keys={one.keys ?? ""} />
                        </dt>
                        <dd>{t(one.label)}</dd>
                    </div>
                ))}
            </dl>
        </Sheet>
    );
}

export function Palette({ offered, close }: { offered: readonly Command[]; close: () => void }) {
    const [text, setText] = useState("");
    const [at, setAt] = useState(0);
    const wanted = text.trim().toLowerCase().split(/\s+/);
    const fits = offered.filter((one, i) => {
        if (one.keyOnly || offered.findIndex((other) => other.label[0] === one.label[0]) !== i) return false;
        const names = one.label.join(" ").toLowerCase();
        return wanted.every((word) => names.includes(word));
    });
    const place = Math.min(at, Math.max(0, fits.length - 1));
    const run = (command: Command | undefined) => {
        if (!command) return;
        close();
        // The palette's keys are off first, so that what runs may open a dialog of its own.
        setTimeout(command.run);
    };
    return (
        <Sheet title={t(w.palette)} isBare close={close}>
            <div className="palette">
                <input
                    data-autofocus
                    role="combobox"
                    aria-label={t(w.palette)}
                    aria-expanded
                    aria-controls="palette-list"
                    aria-activedescendant={fits.length > 0 ? `palette-${place}` : undefined}
                    placeholder={t(w.paletteHint)}
                    value={text}
                    onChange={(event) => {
                        setText(event.currentTarget.value);
                        setAt(0);
                    }}
                    onKeyDown={(event) => {
                        if (event.key === "ArrowDown") setAt(Math.min(place + 1, fits.length - 1));
                        else if (event.key === "ArrowUp") setAt(Math.max(place - 1, 0));
                        else if (event.key === "Enter" && !event.nativeEvent.isComposing) run(fits[place]);
                        else return;
                        event.preventDefault();
                    }}
                />
                <ul id="palette-list" role="listbox" aria-label={t(w.palette)}>
                    {fits.map((one, i) => (
                        <li
                            key={one.label[0]}
                            id={`palette-${i}`}
                            role="option"
                            aria-selected={i === place}
                            ref={(item) => {
                                if (i === place) item?.scrollIntoView({ block: "nearest" });
                            }}
                            onMouseMove={() => setAt(i)}
                            onClick={() => run(one)}
                        >
                            <span>{t(one.label)}</span>
                            {one.keys && <Kbd keys={one.keys} />}
                        </li>
                    ))}
                </ul>
                {fits.length === 0 && <p className="fine">{t(w.paletteNone)}</p>}
            </div>
        </Sheet>
    );
}
