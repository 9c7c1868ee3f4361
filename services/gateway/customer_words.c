/* Everything that the customer's pages say, in each language. */
#include <assert.h>
#include <string.h>

#include "services/gateway/customer_internal.h"

/* ---- texts: what templates call t_... ---- */

struct word {
    const char *name;
    const char *texts[LANGUAGE_COUNT];
};

static const struct word texts[] = {
    {"t_order", {"訂單", "Order"}},
    {"t_placed", {"下單時間", "Placed"}},
    {"t_payment", {"付款", "Payment"}},
    {"t_delivery", {"配送", "Delivery"}},
    {"t_returns", {"退貨", "Returns"}},
    {"t_parcels", {"包裹", "Parcels"}},
    {"t_no_parcels",
     {"商品出貨後，物流資訊會顯示在這裡。", "Once something ships, you can follow it here."}},
    {"t_parcels_away",
     {"目前無法取得物流資訊，請稍後再查看。",
      "Where your parcels are cannot be told right now; look again in a while."}},
    {"t_tracking", {"追蹤號碼", "Tracking number"}},
    {"t_shipped", {"寄出", "Shipped"}},
    {"t_delivered", {"送達", "Delivered"}},
    {"t_items", {"商品", "Items"}},
    {"t_cancelled_units", {"已取消", "cancelled"}},
    {"t_subtotal", {"商品小計", "Subtotal"}},
    {"t_discount", {"折扣", "Discount"}},
    {"t_shipping", {"運費", "Shipping"}},
    {"t_charges", {"其他費用", "Other charges"}},
    {"t_tax", {"稅金", "Tax"}},
    {"t_total", {"總計", "Total"}},
    {"t_refunded", {"已退款", "Refunded"}},
    {"t_due", {"待付金額", "Amount due"}},
    {"t_recipient", {"收件資料", "Delivery details"}},
    {"t_masked",
     {"為保護個人資料，部分內容已隱藏。", "Parts are hidden to protect your personal data."}},
    {"t_remark", {"出貨備註", "Remark for the delivery"}},
    {"t_messages", {"訊息", "Messages"}},
    {"t_no_messages",
     {"有任何問題嗎？在這裡留言，我們會盡快回覆。",
      "Is there anything you would like to ask? Write to us here."}},
    {"t_shop_wrote", {"店家", "The shop"}},
    {"t_you_wrote", {"您", "You"}},
    {"t_write", {"您的訊息", "Your message"}},
    {"t_write_hint",
     {"最多 2,000 字。我們會在這裡和電子郵件回覆您。",
      "At most 2,000 characters. We answer here and by e-mail."}},
    {"t_send", {"送出", "Send"}},
    {"t_sent",
     {"訊息已送出，我們會盡快回覆。", "Your message has been sent. We will answer soon."}},
    {"t_language", {"English", "繁體中文"}},
    {"t_track_title", {"查詢訂單", "Find your order"}},
    {"t_track_text",
     {"輸入訂單編號與下單時的電話，我們會將驗證碼寄到訂單的電子郵件信箱。",
      "Tell us the number of your order and the telephone number that you gave with it. A code "
      "goes "
      "to the e-mail address of the order."}},
    {"t_number", {"訂單編號", "Order number"}},
    {"t_phone", {"電話", "Telephone number"}},
    {"t_ask_code", {"寄送驗證碼", "Send me a code"}},
    {"t_code_title", {"輸入驗證碼", "Enter the code"}},
    {"t_code_text",
     {"若訂單編號與電話相符，驗證碼已寄到訂單的電子郵件信箱，15 分鐘內有效。",
      "If number and telephone number belong together, a code is on its way to the e-mail address "
      "of "
      "the order. It is good for 15 minutes."}},
    {"t_code", {"6 位數驗證碼", "Six-digit code"}},
    {"t_open", {"查看訂單", "Show my order"}},
    {"t_again", {"沒有收到？重新輸入", "Nothing came? Start again"}},
    {"t_wrong_code", {"驗證碼不正確或已過期。", "The code is not right, or not good any more."}},
    {"t_step_placed", {"已下單", "Placed"}},
    {"t_step_confirmed", {"已確認", "Confirmed"}},
    {"t_step_shipped", {"已出貨", "Shipped"}},
    {"t_step_delivered", {"已送達", "Delivered"}},
    {"t_gone_title", {"連結已失效", "This link does not work any more"}},
    {"t_gone_text",
     {"連結可能已過期或不完整。您可以用訂單編號與電話重新查詢。",
      "It may have expired, or a part of it is missing. You can find your order by its number and "
      "your telephone number."}},
    {"t_away_title", {"暫時無法顯示", "Not available right now"}},
    {"t_away_text", {"系統忙碌中，請稍後再試。", "Please come again in a moment."}},
    {"t_busy_title", {"請稍候再試", "Please wait a while"}},
    {"t_busy_text",
     {"短時間內查詢次數過多，請過幾分鐘再試。",
      "There were many questions from here; please come again in a few minutes."}},
    {"t_empty", {"請先輸入訊息內容。", "Please write something first."}},
    {"t_too_long", {"訊息最多 2,000 字。", "A message has 2,000 characters at most."}},
    {"t_too_many",
     {"您已送出多則訊息，請一小時後再試。",
      "There are many messages already; write again in an hour."}},
    {"t_not_sent",
     {"訊息未能送出，請再試一次。", "The message could not be sent; please try again."}},
};
#define NTEXTS (sizeof texts / sizeof texts[0])
static_assert(NTEXTS <= WORDS_ROOM, "room for all texts");

size_t words_values(enum language language, struct view_value *values)
{
    for (size_t i = 0; i < NTEXTS; i++)
        values[i] = (struct view_value){texts[i].name, texts[i].texts[language], NULL, 0};
    return NTEXTS;
}

const char *words(enum language language, const char *name)
{
    for (size_t i = 0; i < NTEXTS; i++) {
        if (strcmp(texts[i].name, name) == 0)
            return texts[i].texts[language];
    }
    return "";
}

/* ---- statuses ---- */

struct status_row {
    int status;
    const char *texts[LANGUAGE_COUNT];
    const char *tone;
};

#define ORDER(name) ((int)PENSTOCK__ORDERS__V1__ORDER_STATUS__ORDER_STATUS_##name)
static const struct status_row order_statuses[] = {
    {ORDER(DRAFT), {"草稿", "Draft"}, "neutral"},
    {ORDER(PENDING), {"待確認", "Pending"}, "waiting"},
    {ORDER(CONFIRMED), {"已確認", "Confirmed"}, "active"},
    {ORDER(COMPLETED), {"已完成", "Completed"}, "done"},
    {ORDER(ARCHIVED), {"已封存", "Archived"}, "ended"},
    {ORDER(CANCELLED), {"已取消", "Cancelled"}, "ended"},
    {ORDER(EXPIRED), {"已逾期", "Expired"}, "ended"},
};
#define PAYMENT(name) ((int)PENSTOCK__ORDERS__V1__PAYMENT_STATUS__PAYMENT_STATUS_##name)
static const struct status_row payment_statuses[] = {
    {PAYMENT(UNPAID), {"未付款", "Unpaid"}, "waiting"},
    {PAYMENT(PENDING), {"處理中", "Pending"}, "active"},
    {PAYMENT(AUTHORIZED), {"已授權", "Authorized"}, "active"},
    {PAYMENT(PARTIALLY_PAID), {"部分付款", "Partly paid"}, "waiting"},
    {PAYMENT(PAID), {"已付款", "Paid"}, "done"},
    {PAYMENT(OVERPAID), {"超額付款", "Overpaid"}, "waiting"},
    {PAYMENT(PARTIALLY_REFUNDED), {"部分退款", "Partly refunded"}, "ended"},
    {PAYMENT(REFUNDED), {"已退款", "Refunded"}, "ended"},
    {PAYMENT(VOIDED), {"已作廢", "Voided"}, "ended"},
};
#define FULFILLMENT(name) ((int)PENSTOCK__ORDERS__V1__FULFILLMENT_STATUS__FULFILLMENT_STATUS_##name)
static const struct status_row fulfillment_statuses[] = {
    {FULFILLMENT(UNFULFILLED), {"未出貨", "Not shipped yet"}, "waiting"},
    {FULFILLMENT(PARTIALLY_FULFILLED), {"部分出貨", "Partly shipped"}, "moving"},
    {FULFILLMENT(FULFILLED), {"已出貨", "Shipped"}, "moving"},
    {FULFILLMENT(PARTIALLY_DELIVERED), {"部分送達", "Partly delivered"}, "moving"},
    {FULFILLMENT(DELIVERED), {"已送達", "Delivered"}, "done"},
    {FULFILLMENT(NOT_REQUIRED), {"無需出貨", "Nothing to ship"}, "neutral"},
};
#define RETURN(name) ((int)PENSTOCK__ORDERS__V1__RETURN_STATUS__RETURN_STATUS_##name)
static const struct status_row return_statuses[] = {
    {RETURN(REQUESTED), {"已申請", "Requested"}, "waiting"},
    {RETURN(PARTIALLY_RETURNED), {"部分退貨", "Partly returned"}, "ended"},
    {RETURN(RETURNED), {"已退貨", "Returned"}, "ended"},
};
#define PARCEL(name) ((int)PENSTOCK__FULFILLMENT__V1__PARCEL_STATUS__PARCEL_STATUS_##name)
static const struct status_row parcel_statuses[] = {
    {PARCEL(LABEL_CREATED), {"備貨中", "Preparing"}, "active"},
    {PARCEL(HANDED_OVER), {"已發貨", "Handed over"}, "moving"},
    {PARCEL(IN_TRANSIT), {"配送中", "In transit"}, "moving"},
    {PARCEL(OUT_FOR_DELIVERY), {"派送中", "Out for delivery"}, "moving"},
    {PARCEL(DELIVERED), {"已送達", "Delivered"}, "done"},
    {PARCEL(ARRIVED_AT_STORE), {"已到店", "At store"}, "moving"},
    {PARCEL(COLLECTED), {"已取貨", "Collected"}, "done"},
    {PARCEL(UNCOLLECTED), {"未取貨", "Uncollected"}, "problem"},
    {PARCEL(RETURNING), {"退回中", "Returning"}, "moving"},
    {PARCEL(RETURNED_TO_SENDER), {"已退回", "Returned"}, "ended"},
    {PARCEL(EXCEPTION), {"配送異常", "Delayed"}, "problem"},
    {PARCEL(STORE_CLOSED), {"門市暫停服務", "Store closed"}, "problem"},
    {PARCEL(LOST), {"遺失", "Lost"}, "problem"},
};

static struct status_word word_of(const struct status_row *rows, size_t count,
                                  enum language language, int status)
{
    for (size_t i = 0; i < count; i++) {
        if (rows[i].status == status)
            return (struct status_word){rows[i].texts[language], rows[i].tone};
    }
    return (struct status_word){"", "neutral"};
}
#define WORD_OF(rows, language, status)                                                            \
    word_of(rows, sizeof(rows) / sizeof((rows)[0]), language, status)

struct status_word words_order_status(enum language language, int status)
{
    return WORD_OF(order_statuses, language, status);
}

struct status_word words_payment_status(enum language language, int status)
{
    return WORD_OF(payment_statuses, language, status);
}

struct status_word words_fulfillment_status(enum language language, int status)
{
    return WORD_OF(fulfillment_statuses, language, status);
}

struct status_word words_return_status(enum language language, int status)
{
    return WORD_OF(return_statuses, language, status);
}

struct status_word words_parcel_status(enum language language, int status)
{
    return WORD_OF(parcel_statuses, language, status);
}

/* ---- what a browser accepts ---- */

/* "q=0.8" in thousandths; 1000 when it is not said. */
static int weight_of(const char *parameters, size_t bytes)
{
    const char *q = memmem(parameters, bytes, "q=", 2);
    if (q == NULL)
        return 1000;
    int weight = q[2] == '1' ? 1000 : 0, part = 100;
    for (const char *c = q + 3; *c == '.' || (*c >= '0' && *c <= '9'); c++) {
        if (*c == '.' || weight == 1000)
            continue;
        weight += (*c - '0') * part;
        part /= 10;
    }
    return weight;
}

enum language words_accepted(const char *accept_language, enum language fallback)
{
    enum language best = fallback;
    int best_weight = 0;
    const char *at = accept_language == NULL ? "" : accept_language;
    while (*at != '\0') {
        at += strspn(at, ", \t");
        size_t bytes = strcspn(at, ","), tag_bytes = strcspn(at, ",; \t");
        char tag[36] = "";
        if (tag_bytes < sizeof tag)
            memcpy(tag, at, tag_bytes);
        enum language language = wording_language(tag, LANGUAGE_COUNT);
        int weight = weight_of(at + tag_bytes, bytes - tag_bytes);
        if (language != LANGUAGE_COUNT && weight > best_weight) {
            best = language;
            best_weight = weight;
        }
        at += bytes;
    }
    return best;
}
