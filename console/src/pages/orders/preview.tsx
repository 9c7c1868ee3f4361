// An order beside the list: enough to decide without leaving it. It follows the active row.
import { Button, CloseButton } from "@mantine/core";
import type { Order } from "../../api/schema.gen";
import { can } from "../../api/session";
import { t } from "../../i18n";
import { Facts, Money, Time } from "../../ui/parts";
import { Link } from "../../ui/router";
import { fulfillmentWords, orderWords, paymentWords, returnWords, Status } from "../../ui/Status";
import { w } from "../../ui/words";
import { cannotConfirm, cannotHold, confirmOrder, holdOrder, type Changed } from "./actions";
import { o } from "./words";

export function Preview({ order, changed, close }: { order: Order; changed: Changed; close: () => void }) {
    const to = order.shipping_address;
    return (
        <aside className="preview-pane" aria-label={t(o.previewOf, { number: order.number })}>
            <header>
                <h2>
                    <Link href={`/orders/${order.number}`}>{order.number}</Link>
                </h2>
                <CloseButton size="sm" aria-label={t(w.close)} onClick={close} />
            </header>
            <p className="badges">
                <Status of={orderWords} is={order.status} />
                <Status of={paymentWords} is={order.payment_status} />
                <Status of={fulfillmentWords} is={order.fulfillment_status} />
                {order.return_status !== "none" && <Status of={returnWords} is={order.return_status} />}
            </p>
            <ul className="mini-lines">
                {order.lines.map((line) => (
                    <li key={line.id} className={line.quantity === line.cancelled ? "over" : undefined}>
                        <span className="num">{line.quantity - line.cancelled}</span>
                        <span>
                            {line.name ?? line.sku}
                            <small>{line.sku}</small>
                        </span>
                        <Money of={line.total} bare />
                    </li>
                ))}
            </ul>
            <Facts
                rows={[
                    [t(o.total), <Money key="total" of={order.current_total ?? order.total} strong />],
                    [t(o.due), <Money key="due" of={order.amount_due} />],
                    [t(o.placed), <Time key="placed" at={order.placed_at} />],
                    [t(o.channel), order.channel],
                    [t(o.customer), order.customer?.name],
                    [t(o.country), to && [to.address1, to.district, to.city, to.country].filter(Boolean).join(", ")],
                    [t(w.note), order.note],
                    order.holds.length > 0 && [t(o.onHold), order.holds.map((hold) => hold.reason ?? hold.type).join("; ")],
                ]}
            />
            {can("orders:write") && (
                <footer>
                    {!cannotConfirm(order) && <Button onClick={() => confirmOrder(order, changed)}>{t(o.confirm)}</Button>}
                    {!cannotHold(order) && (
                        <Button variant="default" onClick={() => holdOrder(order, changed)}>
                            {t(o.hold)}
                        </Button>
                    )}
                </footer>
            )}
        </aside>
    );
}
