// A field for a catalogue item: type or scan a SKU, or pick it by name.
import { TextInput } from "@mantine/core";
import { useId } from "react";
import { call } from "../api/client";
import type { Item } from "../api/schema.gen";
import { useResource } from "./resource";

export function useItems(): ReadonlyMap<string, Item> {
    const items = useResource("items", async (signal) => {
        const found = new Map<string, Item>();
        for (let cursor: string | undefined; found.size < 2000; ) {
            const page = await call("GET /v1/items", { cursor, limit: 200 }, { signal });
            for (const item of page.data) if (item.sku && item.is_active) found.set(item.sku, item);
            if (!page.next_cursor) break;
            cursor = page.next_cursor;
        }
        return found;
    });
    return items.data ?? new Map();
}
export function ItemInput({ value, change, label, isWrong, onEnter }: { value: string; change: (sku: string) => void; label: string; isWrong?: boolean; onEnter?: () => void }) {
    const items = useItems(), id = useId();
    return (
        <>
            <TextInput
                aria-label={label} placeholder={label} value={value} list={id} error={isWrong} autoComplete="off" spellCheck={false}
                onChange={(event) => change(event.currentTarget.value)}
                onKeyDown={(event) => {
                    if (event.key !== "Enter" || event.ctrlKey || event.metaKey || !onEnter) return;
                    event.preventDefault();
                    onEnter();
                }}
            />
            <datalist id={id}>
                {[...items.values()].map((item) => (
                    <option key={item.id} value={item.sku ?? ""}>
                        {item.name}
                    </option>
                ))}
            </datalist>
        </>
    );
}
