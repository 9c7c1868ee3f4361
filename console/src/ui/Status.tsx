// A status is a word with a colour. Each list below is complete or does not compile: its keys are the words of the
// protos. The tone says what is asked of the reader.
import type {
    DeliveryStatus, FulfillmentOrderStatus, FulfillmentStatus, MessageStatus, OrderStatus, ParcelStatus, PaymentEntryStatus,
    PaymentStatus, RefundStatus, ReturnOrderStatus, ReturnStatus,
} from "../api/schema.gen";
import { t, type Phrase } from "../i18n";

export type Tone = "waiting" | "active" | "moving" | "done" | "problem" | "ended" | "neutral";
export type Word = readonly [tone: Tone, phrase: Phrase];
type Words<S extends string> = Record<S, Word>;

export const orderWords: Words<OrderStatus> = {
    draft: ["neutral", ["Draft", "草稿"]],
    pending: ["waiting", ["Pending", "待確認"]],
    confirmed: ["active", ["Confirmed", "已確認"]],
    completed: ["done", ["Completed", "已完成"]],
    archived: ["ended", ["Archived", "已封存"]],
    cancelled: ["ended", ["Cancelled", "已取消"]],
    expired: ["ended", ["Expired", "已逾期"]],
};
export const paymentWords: Words<PaymentStatus> = {
    unpaid: ["waiting", ["Unpaid", "未付款"]],
    pending: ["waiting", ["Pending", "處理中"]],
    authorized: ["active", ["Authorized", "已授權"]],
    partially_paid: ["waiting", ["Partially paid", "部分付款"]],
    paid: ["done", ["Paid", "已付款"]],
    overpaid: ["problem", ["Overpaid", "超額付款"]],
    partially_refunded: ["ended", ["Partially refunded", "部分退款"]],
    refunded: ["ended", ["Refunded", "已退款"]],
    voided: ["ended", ["Voided", "已作廢"]],
};
export const fulfillmentWords: Words<FulfillmentStatus> = {
    unfulfilled: ["neutral", ["Unfulfilled", "未出貨"]],
    partially_fulfilled: ["active", ["Partially fulfilled", "部分出貨"]],
    fulfilled: ["moving", ["Fulfilled", "已出貨"]],
    partially_delivered: ["moving", ["Partially delivered", "部分送達"]],
    delivered: ["done", ["Delivered", "已送達"]],
    not_required: ["ended", ["Not required", "無需出貨"]],
};
export const returnWords: Words<ReturnStatus> = {
    none: ["ended", ["None", "無"]],
    requested: ["waiting", ["Requested", "已申請"]],
    partially_returned: ["active", ["Partially returned", "部分退貨"]],
    returned: ["ended", ["Returned", "已退貨"]],
};
export const paymentEntryWords: Words<PaymentEntryStatus> = {
    pending: ["waiting", ["Pending", "處理中"]],
    authorized: ["active", ["Authorized", "已授權"]],
    captured: ["done", ["Captured", "已收款"]],
    voided: ["ended", ["Voided", "已作廢"]],
    failed: ["problem", ["Failed", "失敗"]],
};
export const refundWords: Words<RefundStatus> = {
    requested: ["waiting", ["Requested", "已申請"]],
    approved: ["active", ["Approved", "已核准"]],
    processing: ["moving", ["Processing", "退款中"]],
    succeeded: ["done", ["Succeeded", "已退款"]],
    failed: ["problem", ["Failed", "失敗"]],
    cancelled: ["ended", ["Cancelled", "已取消"]],
};
export const workWords: Words<FulfillmentOrderStatus> = {
    scheduled: ["neutral", ["Scheduled", "已排定"]],
    open: ["waiting", ["To pick", "待揀貨"]],
    on_hold: ["waiting", ["On hold", "保留中"]],
    in_wave: ["active", ["In a wave", "波次中"]],
    picking: ["active", ["Picking", "揀貨中"]],
    picked: ["active", ["Picked", "已揀貨"]],
    packing: ["active", ["Packing", "包裝中"]],
    packed: ["active", ["Packed", "已包裝"]],
    ready: ["active", ["Ready", "待出貨"]],
    shipped: ["moving", ["Shipped", "已出貨"]],
    closed: ["done", ["Closed", "已結案"]],
    short: ["problem", ["Short", "缺貨"]],
    rejected: ["problem", ["Rejected", "已拒絕"]],
    cancelled: ["ended", ["Cancelled", "已取消"]],
    ready_for_pickup: ["moving", ["Ready for pickup", "可取貨"]],
    collected: ["done", ["Collected", "已取貨"]],
};
export const parcelWords: Words<ParcelStatus> = {
    label_created: ["neutral", ["Preparing", "備貨中"]],
    handed_over: ["moving", ["Handed over", "已發貨"]],
    in_transit: ["moving", ["In transit", "配送中"]],
    out_for_delivery: ["moving", ["Out for delivery", "派送中"]],
    delivered: ["done", ["Delivered", "已送達"]],
    arrived_at_store: ["moving", ["At store", "已到店"]],
    collected: ["done", ["Collected", "已取貨"]],
    uncollected: ["problem", ["Uncollected", "未取貨"]],
    returning: ["moving", ["Returning", "退回中"]],
    returned_to_sender: ["ended", ["Returned", "已退回"]],
    exception: ["problem", ["Exception", "異常"]],
    store_closed: ["problem", ["Store closed", "門市關閉"]],
    lost: ["problem", ["Lost", "遺失"]],
    voided: ["ended", ["Voided", "已作廢"]],
};
export const returnOrderWords: Words<ReturnOrderStatus> = {
    requested: ["waiting", ["Requested", "已申請"]],
    approved: ["active", ["Approved", "已核准"]],
    in_transit: ["moving", ["In transit", "寄回中"]],
    received: ["waiting", ["To inspect", "待驗貨"]],
    inspected: ["done", ["Inspected", "已驗貨"]],
    closed: ["ended", ["Closed", "已結案"]],
    declined: ["ended", ["Declined", "已拒絕"]],
    cancelled: ["ended", ["Cancelled", "已取消"]],
    expired: ["ended", ["Expired", "已逾期"]],
};
export const deliveryWords: Words<DeliveryStatus> = {
    received: ["active", ["Received", "已接收"]],
    done: ["done", ["Done", "已處理"]],
    parked: ["problem", ["Parked", "已擱置"]],
    ignored: ["ended", ["Ignored", "已略過"]],
};
export const messageWords: Words<MessageStatus> = {
    queued: ["active", ["Queued", "待寄送"]],
    sent: ["done", ["Sent", "已寄出"]],
    failed: ["problem", ["Failed", "寄送失敗"]],
    suppressed: ["ended", ["Not sent", "未寄送"]],
};

export function Badge({ tone, children, title }: { tone: Tone; children: React.ReactNode; title?: string }) {
    return (
        <span className={`badge tone-${tone}`} title={title}>
            {children}
        </span>
    );
}
export function Status<S extends string>({ of, is, title }: { of: Words<S>; is: S | null | undefined; title?: string }) {
    if (!is) return null;
    // A word that a newer server says is shown as it came.
    const [tone, phrase] = of[is] ?? ["neutral", [is, is]];
    return (
        <Badge tone={tone} title={title}>
            {t(phrase)}
        </Badge>
    );
}
