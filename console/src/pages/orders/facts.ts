// What the console reads out of an order to decide what to show and offer. The server decides again.
import type { Order } from "../../api/schema.gen";

export const unitsOf = (order: Order) => order.lines.reduce((sum, line) => sum + line.quantity - line.cancelled, 0);
export const openOf = (order: Order) => order.lines.reduce((sum, line) => sum + line.open, 0);
export const shippedOf = (order: Order) => order.lines.reduce((sum, line) => sum + line.fulfilled, 0);
export const shortOf = (order: Order) => (hasEnded(order) ? 0 : order.lines.reduce((sum, line) => sum + (line.is_custom ? 0 : line.unallocated + line.backordered), 0));
export const preorderedOf = (order: Order) => order.lines.reduce((sum, line) => sum + line.preordered, 0);
export const hasEnded = (order: Order) => order.status === "cancelled" || order.status === "expired" || order.status === "archived";
export const itemsOf = (order: Order) =>
    order.lines
        .filter((line) => line.quantity > line.cancelled)
        .map((line) => (line.quantity - line.cancelled > 1 ? `${line.name ?? line.sku} ×${line.quantity - line.cancelled}` : (line.name ?? line.sku)))
        .join(", ");
