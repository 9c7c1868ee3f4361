// Every page, one line each: its address, its right, its name in the menu and the palette, its key, its code. The
// first list is part of the first load; every other page is fetched when it is opened.
import { lazy, type ComponentType, type LazyExoticComponent } from "react";
import type { Permission } from "./api/schema.gen";
import { words, type Phrase } from "./i18n";
import OrdersPage from "./pages/orders";

type Params = { params: Record<string, string> };
export interface Page {
    path: string;
    permission: Permission | null;
    label: Phrase;
    /** Where its link stands; nowhere when it is left out, in the palette only with "palette". */
    place?: "menu" | "settings" | "palette";
    /** The second of "g o". */
    key?: string;
    view: ComponentType<Params> | LazyExoticComponent<ComponentType<Params>>;
}

const names = words({
    orders: ["Orders", "訂單"],
    order: ["Order", "訂單"],
    packing: ["Packing", "出貨"],
    returns: ["Returns", "退貨"],
    return: ["Return", "退貨單"],
    stock: ["Stock", "庫存"],
    messages: ["Messages", "訊息"],
    customers: ["Customers", "顧客"],
    customer: ["Customer", "顧客"],
    newOrder: ["New order", "新增訂單"],
    drafts: ["Drafts", "草稿"],
    draft: ["Draft", "草稿"],
    inbox: ["Deliveries", "接收紀錄"],
    channels: ["Channels", "通路"],
    people: ["People", "人員"],
    keys: ["API keys", "API 金鑰"],
    imports: ["Imports", "匯入"],
    import: ["Import", "匯入"],
    templates: ["Mails", "郵件範本"],
    template: ["Mail", "郵件範本"],
    rules: ["Rules", "自動規則"],
    blacklist: ["Blacklist", "黑名單"],
    audit: ["Audit", "稽核紀錄"],
    replies: ["Canned replies", "罐頭訊息"],
    delivery: ["Delivery methods", "配送方式"],
    shop: ["Shop", "商店"],
});

export const pages: readonly Page[] = [
    { path: "/orders", permission: "orders:read", label: names.orders, place: "menu", key: "o", view: OrdersPage },
    { path: "/orders/:id", permission: "orders:read", label: names.order, view: lazy(() => import("./pages/order")) },
    { path: "/new-order", permission: "orders:write", label: names.newOrder, place: "palette", key: "n", view: lazy(() => import("./pages/neworder")) },
    { path: "/drafts", permission: "orders:read", label: names.drafts, place: "menu", key: "d", view: lazy(() => import("./pages/drafts")) },
    { path: "/drafts/:id", permission: "orders:write", label: names.draft, view: lazy(() => import("./pages/neworder")) },
    { path: "/stock", permission: "stock:read", label: names.stock, place: "menu", key: "s", view: lazy(() => import("./pages/stock")) },
    { path: "/packing", permission: "fulfillment:read", label: names.packing, place: "menu", key: "p", view: lazy(() => import("./pages/packing")) },
    { path: "/returns", permission: "returns:read", label: names.returns, place: "menu", key: "r", view: lazy(() => import("./pages/returns")) },
    { path: "/returns/:id", permission: "returns:read", label: names.return, view: lazy(() => import("./pages/return")) },
    { path: "/messages", permission: "messages:read", label: names.messages, place: "menu", key: "m", view: lazy(() => import("./pages/messages")) },
    { path: "/customers", permission: "customers:read", label: names.customers, place: "menu", key: "c", view: lazy(() => import("./pages/customers")) },
    { path: "/customers/:id", permission: "customers:read", label: names.customer, view: lazy(() => import("./pages/customer")) },
    { path: "/inbox", permission: "inbox:read", label: names.inbox, place: "menu", key: "i", view: lazy(() => import("./pages/inbox")) },
    { path: "/settings/channels", permission: "settings:read", label: names.channels, place: "settings", view: lazy(() => import("./pages/channels")) },
    { path: "/settings/people", permission: "settings:read", label: names.people, place: "settings", view: lazy(() => import("./pages/people")) },
    { path: "/settings/keys", permission: "settings:read", label: names.keys, place: "settings", view: lazy(() => import("./pages/keys")) },
    { path: "/settings/rules", permission: "settings:read", label: names.rules, place: "settings", view: lazy(() => import("./pages/rules")) },
    { path: "/settings/blacklist", permission: "orders:read", label: names.blacklist, place: "settings", view: lazy(() => import("./pages/blacklist")) },
    { path: "/settings/delivery", permission: "orders:read", label: names.delivery, place: "settings", view: lazy(() => import("./pages/delivery")) },
    { path: "/settings/imports", permission: "orders:read", label: names.imports, place: "settings", view: lazy(() => import("./pages/imports")) },
    { path: "/settings/imports/:id", permission: "orders:read", label: names.import, view: lazy(() => import("./pages/import")) },
    { path: "/settings/templates", permission: "settings:read", label: names.templates, place: "settings", view: lazy(() => import("./pages/templates")) },
    { path: "/settings/templates/:type/:locale/:part", permission: "settings:read", label: names.template, view: lazy(() => import("./pages/template")) },
    { path: "/settings/replies", permission: "messages:read", label: names.replies, place: "settings", view: lazy(() => import("./pages/canned")) },
    { path: "/settings/audit", permission: "audit:read", label: names.audit, place: "settings", view: lazy(() => import("./pages/audit")) },
    { path: "/settings/shop", permission: "settings:read", label: names.shop, place: "settings", view: lazy(() => import("./pages/shop")) },
];
