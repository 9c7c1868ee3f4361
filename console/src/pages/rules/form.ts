// A rule as a form and as a sentence. Each kind of action is there once at most, which is all that makes sense.
import type { Money, OrderCheck, PaymentStatus, DeliveryMethod, Rule, RuleAction, RuleActionType, RuleHistory } from "../../api/schema.gen";
import type { Request } from "../../api/client";
import { money, number, t, type Phrase } from "../../i18n";
import type { Field, Values } from "../../ui/action";
import { paymentWords } from "../../ui/Status";
import { w } from "../../ui/words";
import { choices, p } from "./words";

type Sent = Request<"POST /v1/rules">;

const listOf = (text: string | undefined) => (text ?? "").split(",").map((one) => one.trim()).filter(Boolean);
const choose = (table: Record<string, Phrase>) => Object.entries(table).map(([value, label]) => ({ value, label }));
const actionOf = (rule: Rule | undefined, type: RuleActionType) => rule?.actions.find((action) => action.type === type);
const count = (value: number | null | undefined) => (value ? String(value) : undefined);

export function fieldsOf(rule?: Rule): Field[] {
    const when = rule?.conditions;
    const optional = (name: string, label: Phrase, initial: string | undefined, more: Partial<Field> = {}): Field => ({ name, label, initial, isOptional: true, ...more });
    const paymentChoices = Object.entries(paymentWords).map(([value, [, label]]) => ({ value, label }));
    return [
        { name: "name", label: w.name, initial: rule?.name ?? undefined },
        { name: "enabled", label: p.enabled, kind: "switch", initial: rule && !rule.is_enabled ? undefined : "yes" },
        optional("place", p.place, count(rule?.place), { kind: "number" }),
        optional("channels", p.channels, when?.channels.join(", "), { hint: p.commas }),
        optional("methods", p.methods, when?.payment_methods.join(", "), { hint: p.commas }),
        optional("payment", p.payment, when?.payment_statuses.join(","), { kind: "many", choices: paymentChoices }),
        optional("countries", p.countries, when?.countries.join(", "), { hint: p.commas }),
        optional("delivery", p.delivery, when?.delivery_methods.join(","), { kind: "many", choices: choose(choices.delivery) }),
        optional("skus", p.skus, when?.skus.join(", "), { hint: p.commas }),
        optional("from", p.from, when?.total_from?.amount, { kind: "number" }),
        optional("below", p.below, when?.total_below?.amount, { kind: "number" }),
        optional("currency", p.currency, (when?.total_from ?? when?.total_below)?.currency ?? "HKD"),
        { name: "blacklisted", label: p.blacklisted, kind: "switch", initial: when?.is_blacklisted ? "yes" : undefined },
        optional("checks", p.checks, when?.checks.join(","), { kind: "many", choices: choose(choices.checks) }),
        optional("history", p.history, when?.history ?? "", { kind: "choice", choices: [{ value: "", label: w.any }, ...choose(choices.history)] }),
        optional("ordersFrom", p.ordersFrom, count(when?.orders_from), { kind: "number" }),
        optional("refusalsFrom", p.refusalsFrom, count(when?.refusals_from), { kind: "number" }),
        optional("duplicate", p.duplicate, count(when?.duplicate_minutes), { kind: "number" }),
        { name: "actions", label: p.actions, kind: "many", choices: choose(choices.actions), initial: rule?.actions.map((action) => action.type).join(",") },
        optional("holdType", p.holdType, actionOf(rule, "hold")?.hold_type ?? undefined),
        optional("holdReason", p.holdReason, actionOf(rule, "hold")?.text ?? undefined),
        optional("holdMinutes", p.holdMinutes, count(actionOf(rule, "hold")?.hold_minutes), { kind: "number" }),
        optional("noteText", p.noteText, actionOf(rule, "note")?.text ?? undefined, { kind: "long" }),
        optional("remarkText", p.remarkText, actionOf(rule, "remark")?.text ?? undefined),
        { name: "stops", label: p.stops, kind: "switch", initial: rule?.stops ? "yes" : undefined },
    ];
}

function actionFrom(type: string, values: Values): Partial<RuleAction> {
    switch (type) {
        case "hold":
            return { type, hold_type: values.holdType, text: values.holdReason, hold_minutes: Number(values.holdMinutes || 0) };
        case "note":
            return { type, text: values.noteText };
        case "remark":
            return { type, text: values.remarkText };
        default:
            return { type: type as RuleActionType };
    }
}
export function ruleOf(values: Values): Sent {
    const amount = (text: string | undefined): Money | undefined => (text ? { amount: text, currency: values.currency ?? "" } : undefined);
    return {
        name: values.name,
        is_enabled: values.enabled === "yes",
        place: Number(values.place || 0),
        stops: values.stops === "yes",
        conditions: {
            channels: listOf(values.channels),
            payment_methods: listOf(values.methods),
            payment_statuses: listOf(values.payment) as PaymentStatus[],
            countries: listOf(values.countries),
            delivery_methods: listOf(values.delivery) as DeliveryMethod[],
            skus: listOf(values.skus),
            total_from: amount(values.from),
            total_below: amount(values.below),
            is_blacklisted: values.blacklisted === "yes",
            checks: listOf(values.checks) as OrderCheck[],
            history: values.history ? (values.history as RuleHistory) : undefined,
            orders_from: Number(values.ordersFrom || 0),
            refusals_from: Number(values.refusalsFrom || 0),
            duplicate_minutes: Number(values.duplicate || 0),
        },
        actions: listOf(values.actions).map((type) => actionFrom(type, values)),
    };
}

export function whenWords(rule: Rule): string {
    const when = rule.conditions;
    if (!when) return t(p.always);
    const part = (label: Phrase, value: string | null | undefined | false) => (value ? `${t(label)}: ${value}` : "");
    const from = (table: Record<string, Phrase>, chosen: readonly string[]) => chosen.map((one) => (table[one] ? t(table[one]) : one)).join(" / ");
    const parts = [
        part(p.channels, when.channels.join(" / ")),
        part(p.methods, when.payment_methods.join(" / ")),
        part(p.payment, when.payment_statuses.map((one) => t(paymentWords[one][1])).join(" / ")),
        part(p.countries, when.countries.join(" / ")),
        part(p.delivery, from(choices.delivery, when.delivery_methods)),
        part(p.skus, when.skus.join(" / ")),
        part(p.from, when.total_from && money(when.total_from)),
        part(p.below, when.total_below && money(when.total_below)),
        when.is_blacklisted ? t(p.blacklisted) : "",
        part(p.checks, from(choices.checks, when.checks)),
        part(p.history, when.history && t(choices.history[when.history])),
        part(p.ordersFrom, when.orders_from ? number(when.orders_from) : ""),
        part(p.refusalsFrom, when.refusals_from ? number(when.refusals_from) : ""),
        part(p.duplicate, when.duplicate_minutes ? number(when.duplicate_minutes) : ""),
    ].filter(Boolean);
    return parts.join(" · ") || t(p.always);
}
export function doesWords(rule: Rule): string {
    return rule.actions.map((action) => (action.type ? t(choices.actions[action.type]) : "")).join(" · ") || t(p.nothing);
}
