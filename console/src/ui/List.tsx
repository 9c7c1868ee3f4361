// A page that is one list: views in the URL, a table, and nothing to configure. The order list has a page of its own.
import { Button, NativeSelect } from "@mantine/core";
import type { ReactNode } from "react";
import { t, type Phrase } from "../i18n";
import { useCommands } from "./commands";
import { usePagedList, type LoadPage, type PagedList } from "./pages";
import { Blank } from "./parts";
import { navigate, useAddress, withQuery } from "./router";
import { Table, type Column } from "./Table";
import { w } from "./words";

export interface Filter {
    name: string;
    label: Phrase;
    /** A field to type into when there are none. */
    choices?: readonly { value: string; label: Phrase }[];
}
export interface ListProps<Row> {
    path: string;
    title: Phrase;
    filters?: readonly Filter[];
    columns: (list: PagedList<Row>) => readonly Column<Row>[];
    keyOf: (row: Row) => string;
    nameOf: (row: Row) => string;
    /** Given what the URL says of the filters. */
    load: (filters: Record<string, string | undefined>) => LoadPage<Row>;
    open?: (row: Row, list: PagedList<Row>) => void;
    empty: { title: Phrase; hint: Phrase; action?: ReactNode };
    aside?: (list: PagedList<Row>) => ReactNode;
}
export function List<Row>({ path, title, filters = [], columns, keyOf, nameOf, load, open, empty, aside }: ListProps<Row>) {
    const { query } = useAddress();
    const set = Object.fromEntries(filters.map((filter) => [filter.name, query.get(filter.name) ?? undefined]));
    const has = Object.values(set).some(Boolean);
    const key = `${path}?${new URLSearchParams(Object.entries(set).filter(([, value]) => value) as [string, string][])}`;
    const list = usePagedList<Row>(key, keyOf, load(set));
    const choose = (name: string, value: string) => navigate(withQuery(path, query, { [name]: value || null }), { replace: true });
    useCommands([{ label: w.reload, keys: "r", run: () => void list.reload() }]);
    return (
        <div className="list-page">
            <div className="bar">
                <h1>{t(title)}</h1>
                {filters.map((filter) =>
                    filter.choices ? (
                        <NativeSelect
                            key={filter.name}
                            aria-label={t(filter.label)}
                            value={set[filter.name] ?? ""}
                            data={[{ value: "", label: `${t(filter.label)}: ${t(w.any)}` }, ...filter.choices.map((one) => ({ value: one.value, label: t(one.label) }))]}
                            onChange={(event) => choose(filter.name, event.currentTarget.value)}
                        />
                    ) : (
                        <form
                            key={`${filter.name}=${set[filter.name] ?? ""}`}
                            onSubmit={(event) => {
                                event.preventDefault();
                                choose(filter.name, String(new FormData(event.currentTarget).get(filter.name) ?? "").trim());
                            }}
                        >
                            <input className="filter-input" type="search" name={filter.name} aria-label={t(filter.label)} placeholder={t(filter.label)} defaultValue={set[filter.name] ?? ""} autoComplete="off" />
                        </form>
                    ),
                )}
                {list.waiting > 0 && (
                    <Button variant="light" onClick={() => void list.reload()}>
                        {t(w.newRows, { count: list.waiting >= 50 ? "50+" : list.waiting })} ↑
                    </Button>
                )}
                <span className="grow" />
                {aside?.(list)}
            </div>
            <Table<Row>
                key={key}
                list={list}
                columns={columns(list)}
                label={t(title)}
                nameOf={nameOf}
                open={open && ((row) => open(row, list))}
                empty={
                    has ? (
                        <Blank title={t(w.noneFit)} hint={t(w.noneFitHint)}>
                            <Button variant="default" onClick={() => navigate(path)}>
                                {t(w.clearFilters)}
                            </Button>
                        </Blank>
                    ) : (
                        <Blank title={t(empty.title)} hint={t(empty.hint)}>
                            {empty.action}
                        </Blank>
                    )
                }
            />
        </div>
    );
}
/** The choices of a list of status words. */
export function choicesOf(words: Record<string, readonly [unknown, Phrase]>): readonly { value: string; label: Phrase }[] {
    return Object.entries(words).map(([value, [, label]]) => ({ value, label }));
}
