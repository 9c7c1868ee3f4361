// What the clerk types, and the request that it makes: pure, so that a draft comes back as it was left.
import { newKey, type Input } from "../../api/client";
import type { DeliveryMethod, PlaceOrderRequest } from "../../api/schema.gen";
import { isAmount } from "../../ui/decimal";

export interface LineForm {
    key: string;
    sku: string;
    name: string;
    price: string;
    quantity: string;
    isCustom: boolean;
}
export interface Form {
    channel: string;
    customerId: string;
    name: string;
    phone: string;
    email: string;
    lines: readonly LineForm[];
    offer: string;
    method: DeliveryMethod;
    carrier: string;
    storeCode: string;
    storeName: string;
    cod: boolean;
    shipping: string;
    shippingTitle: string;
    recipient: string;
    address1: string;
    district: string;
    city: string;
    postcode: string;
    country: string;
    discount: string;
    discountTitle: string;
    payment: string;
    tells: boolean;
    acceptsShort: boolean;
}
export function blank(): Form {
    return {
        channel: "", customerId: "", name: "", phone: "", email: "", lines: [], offer: "", method: "home", carrier: "", storeCode: "", storeName: "", cod: false, shipping: "",
        shippingTitle: "", recipient: "", address1: "", district: "", city: "", postcode: "", country: "HK", discount: "", discountTitle: "", payment: "", tells: true, acceptsShort: false,
    };
}
const orNone = (text: string) => text.trim() || undefined;

/** What is paid is the whole sum of what the form says; the server's own total decides what is left due. */
function sumOf(form: Form): string {
    const minor = (text: string) => (isAmount(text) ? BigInt(text.trim().split(".")[0] ?? "0") * 1000n + BigInt((text.trim().split(".")[1] ?? "").padEnd(3, "0")) : 0n);
    const items = form.lines.reduce((sum, line) => sum + minor(line.price) * BigInt(/^\d+$/.test(line.quantity) ? line.quantity : "0"), 0n);
    const sum = items + minor(form.shipping) - minor(form.discount), text = (sum < 0n ? 0n : sum).toString().padStart(4, "0");
    return `${text.slice(0, -3)}.${text.slice(-3)}`.replace(/\.?0+$/, "");
}
export function toRequest(form: Form, currency: string): Input<PlaceOrderRequest> {
    const amount = (text: string) => ({ amount: text.trim(), currency });
    const isStore = form.method === "convenience_store" || form.method === "store_pickup";
    return {
        channel: form.channel, currency, stock_policy: form.acceptsShort ? "accept" : "require", customer_id: orNone(form.customerId),
        customer: { name: orNone(form.name), email: orNone(form.email), phone: orNone(form.phone) },
        shipping_address:
            form.method === "digital"
                ? undefined
                : {
                      name: orNone(form.recipient || form.name), phone: orNone(form.phone), country: form.country,
                      ...(isStore ? {} : { address1: orNone(form.address1), district: orNone(form.district), city: orNone(form.city), postcode: orNone(form.postcode) }),
                  },
        lines: form.lines.map((line) => ({
            sku: line.isCustom ? undefined : line.sku, name: line.isCustom ? orNone(line.name) : undefined, is_custom: line.isCustom,
            quantity: Number(line.quantity) || 0, unit_price: isAmount(line.price) ? amount(line.price) : undefined,
        })),
        shipping_lines: isAmount(form.shipping) && Number(form.shipping) > 0 ? [{ code: form.offer || form.method, title: form.shippingTitle || form.method, price: amount(form.shipping) }] : [],
        discounts: isAmount(form.discount) && Number(form.discount) > 0 ? [{ title: form.discountTitle.trim() || "discount", amount: amount(form.discount) }] : [],
        delivery: {
            method: form.method, carrier: orNone(form.carrier), cash_on_delivery: form.cod, code: orNone(form.offer),
            ...(isStore ? { store_code: orNone(form.storeCode), store_name: orNone(form.storeName) } : {}),
        },
        payments: form.payment && sumOf(form) !== "0" ? [{ method: form.payment, status: "captured", amount: amount(sumOf(form)) }] : [],
        prices_include_tax: true,
        notify_customer: form.tells ? "on" : "off",
    };
}
export function fromRequest(request: PlaceOrderRequest): Form {
    const { customer, shipping_address: to, delivery } = request, shipping = request.shipping_lines[0], discount = request.discounts[0];
    return {
        ...blank(),
        channel: request.channel ?? "", customerId: request.customer_id ?? "", name: customer?.name ?? "", phone: customer?.phone ?? "", email: customer?.email ?? "",
        lines: request.lines.map((line) => ({ key: newKey(), sku: line.sku ?? "", name: line.name ?? line.sku ?? "", price: line.unit_price?.amount ?? "", quantity: String(line.quantity), isCustom: line.is_custom })),
        offer: delivery?.code ?? "", method: delivery?.method ?? "home", carrier: delivery?.carrier ?? "", storeCode: delivery?.store_code ?? "", storeName: delivery?.store_name ?? "",
        cod: delivery?.cash_on_delivery ?? false, shipping: shipping?.price?.amount ?? "", shippingTitle: shipping?.title ?? "",
        recipient: to?.name ?? "", address1: to?.address1 ?? "", district: to?.district ?? "", city: to?.city ?? "", postcode: to?.postcode ?? "", country: to?.country ?? "HK",
        discount: discount?.amount?.amount ?? "", discountTitle: discount?.title ?? "", payment: request.payments[0]?.method ?? "",
        tells: request.notify_customer !== "off", acceptsShort: request.stock_policy === "accept",
    };
}
