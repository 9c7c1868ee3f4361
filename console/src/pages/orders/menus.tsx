// What floats over the order list: its filters and its columns. Fetched after the rows.
import { Button, Checkbox, Menu, NativeSelect, Popover, TextInput } from "@mantine/core";
import { useState } from "react";
import { t } from "../../i18n";
import { useCommands } from "../../ui/commands";
import { navigate } from "../../ui/router";
import { fulfillmentWords, orderWords, paymentWords, returnWords, type Word } from "../../ui/Status";
import { useStore } from "../../ui/store";
import { w } from "../../ui/words";
import { hiddenColumns, orderColumns } from "./columns";
import { addressOf, fieldLabels, FIELDS, fieldsOf, withFields, type FieldName } from "./filters";
import { o } from "./words";

export default function Menus({ query, first }: { query: string; first: "filter" | "columns" }) {
    return (
        <>
            <FilterMenu query={query} isFirst={first === "filter"} />
            <ColumnMenu query={query} isFirst={first === "columns"} />
        </>
    );
}

const HOLDS: Record<string, Word> = { any: ["waiting", w.yes], none: ["neutral", w.no] };
const CHOICES: Partial<Record<FieldName, Record<string, Word>>> = { status: orderWords, payment: paymentWords, fulfillment: fulfillmentWords, return: returnWords, hold: HOLDS };
function FilterMenu({ query, isFirst }: { query: string; isFirst: boolean }) {
    const [isOpen, setOpen] = useState(isFirst);
    const [draft, setDraft] = useState(() => fieldsOf(query));
    const change = (name: FieldName, value: string) => setDraft((before) => ({ ...before, [name]: value || undefined }));
    const toggle = () => {
        setDraft(fieldsOf(query));
        setOpen(!isOpen);
    };
    useCommands([{ label: o.filter, keys: "f", run: toggle }]);
    return (
        <Popover opened={isOpen} onChange={setOpen} position="bottom-end" width={300} trapFocus>
            <Popover.Target>
                <Button variant="default" onClick={toggle}>
                    {t(o.filter)}
                </Button>
            </Popover.Target>
            <Popover.Dropdown aria-label={t(o.filter)}>
                <form
                    className="filter-form"
                    onSubmit={(event) => {
                        event.preventDefault();
                        setOpen(false);
                        navigate(addressOf(withFields(query, draft)));
                    }}
                >
                    {FIELDS.map((name) => {
                        const choices = CHOICES[name], common = { key: name, label: t(fieldLabels[name]), value: draft[name] ?? "" };
                        if (choices)
                            return <NativeSelect {...common} key={name} data={[{ value: "", label: t(w.any) }, ...Object.entries(choices).map(([value, word]) => ({ value, label: t(word[1]) }))]} onChange={(event) => change(name, event.currentTarget.value)} />;
                        return <TextInput {...common} key={name} type={name === "from" || name === "before" ? "date" : "text"} autoComplete="off" onChange={(event) => change(name, event.currentTarget.value)} />;
                    })}
                    <Button type="submit" fullWidth>
                        {t(o.filter)}
                    </Button>
                </form>
            </Popover.Dropdown>
        </Popover>
    );
}

function ColumnMenu({ query, isFirst }: { query: string; isFirst: boolean }) {
    const hidden = useStore(hiddenColumns);
    return (
            <Menu closeOnItemClick={false} position="bottom-end" defaultOpened={isFirst}>
                <Menu.Target>
                    <Button variant="default">{t(w.columns)}</Button>
                </Menu.Target>
                <Menu.Dropdown>
                    {orderColumns(null).slice(1).map((column) => (
                        <Menu.Item key={column.id} role="menuitemcheckbox" aria-checked={!hidden.includes(column.id)} leftSection={<Checkbox checked={!hidden.includes(column.id)} readOnly tabIndex={-1} aria-hidden />} onClick={() => hiddenColumns.set(hidden.includes(column.id) ? hidden.filter((id) => id !== column.id) : [...hidden, column.id])}>
                            {t(column.label)}
                        </Menu.Item>
                    ))}
                    <Menu.Divider />
                    {(["csv", "xlsx"] as const).map((format) => (
                        <Menu.Item key={format} component="a" href={`/v1/orders/export?${new URLSearchParams({ q: query, format })}`} download>
                            {t(o.export, { format: format.toUpperCase() })}
                        </Menu.Item>
                    ))}
                </Menu.Dropdown>
            </Menu>
    );
}
