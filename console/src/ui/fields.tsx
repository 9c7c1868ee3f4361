// One field of an action's dialog.
import { Checkbox, NativeSelect, Textarea, TextInput } from "@mantine/core";
import type { Problem } from "../api/client";
import { t } from "../i18n";
import type { Field } from "./action";
import { w } from "./words";

export function FieldInput({ field, value, isFirst, problem, change }: { field: Field; value: string; isFirst: boolean; problem: Problem | null; change: (value: string) => void }) {
    const common = {
        label: field.isOptional ? `${t(field.label)} (${t(w.optional)})` : t(field.label),
        description: field.hint && t(field.hint),
        error: problem?.field === field.name,
        "data-autofocus": isFirst || undefined,
        name: field.name,
    };
    switch (field.kind) {
        case "switch":
            return <Checkbox {...common} error={undefined} checked={value === "yes"} onChange={(event) => change(event.currentTarget.checked ? "yes" : "")} />;
        case "choice":
            return <NativeSelect {...common} value={value} data={(field.choices ?? []).map((one) => ({ value: one.value, label: t(one.label) }))} onChange={(event) => change(event.currentTarget.value)} />;
        case "many":
            return (
                <Checkbox.Group label={common.label} description={common.description} value={value === "" ? [] : value.split(",")} onChange={(chosen) => change(chosen.join(","))}>
                    <div className="many">
                        {(field.choices ?? []).map((one) => (
                            <Checkbox key={one.value} value={one.value} label={t(one.label)} />
                        ))}
                    </div>
                </Checkbox.Group>
            );
        case "long":
            return <Textarea {...common} rows={3} value={value} onChange={(event) => change(event.currentTarget.value)} />;
        case "moment":
            return <TextInput {...common} type="datetime-local" value={value} onChange={(event) => change(event.currentTarget.value)} />;
        case "secret":
            return <TextInput {...common} type="password" autoComplete="new-password" value={value} onChange={(event) => change(event.currentTarget.value)} />;
        case "email":
            return <TextInput {...common} type="email" autoComplete="off" value={value} onChange={(event) => change(event.currentTarget.value)} />;
        case "number":
            return (
                <TextInput
                    {...common}
                    inputMode="decimal"
                    value={value}
                    classNames={{ input: "num" }}
                    rightSection={field.suffix && <span className="fine">{field.suffix}</span>}
                    rightSectionWidth={field.suffix ? 48 : undefined}
                    onChange={(event) => change(event.currentTarget.value)}
                />
            );
        default:
            return <TextInput {...common} autoComplete="off" value={value} onChange={(event) => change(event.currentTarget.value)} />;
    }
}
