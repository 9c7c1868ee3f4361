/* What customers read: every letter in both languages, from an order as orders tells it.
 *
 * With PENSTOCK_LETTERS=FOLDER the letters are written there, to be looked at. */
#include "services/notify/letters.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/wording.h"
#include "services/notify/rules.h"

typedef Penstock__Common__V1__Money Money;

static struct arena *arena;
static struct letters *letters;

static char *text(const char *value)
{
    return arena_strdup(arena, value);
}

static struct notify_conf settings(void)
{
    return (struct notify_conf){.shop_name = text("山海雜貨 Shan Hai Goods"),
                                .shop_time_zone = text("Asia/Hong_Kong"),
                                .shop_languages = text("zh-Hant,en"),
                                .shop_public_url = text("https://orders.example.com"),
                                .template_directory = text("")};
}

static int open_letters(void **unused)
{
    (void)unused;
    arena = arena_open(1 << 26);
    struct notify_conf conf = settings();
    const char *message = "";
    enum status status = letters_open(&conf, arena, &letters, &message);
    if (status != STATUS_OK)
        print_error("%s\n", message);
    return status == STATUS_OK ? 0 : -1;
}

static int close_letters(void **unused)
{
    (void)unused;
    letters_close(&letters);
    arena_close(&arena);
    return 0;
}

/* ---- an order ---- */

static Money *money(int64_t minor, const char *currency)
{
    Money *out = ARENA_NEW(arena, Money);
    penstock__common__v1__money__init(out);
    out->amount_minor = minor;
    out->currency = text(currency);
    return out;
}

static Penstock__Orders__V1__OrderLine *line(const char *id, const char *sku, const char *name,
                                             int64_t quantity, int64_t unit_minor,
                                             const char *currency)
{
    Penstock__Orders__V1__OrderLine *out = ARENA_NEW(arena, Penstock__Orders__V1__OrderLine);
    penstock__orders__v1__order_line__init(out);
    out->id = text(id);
    out->sku = text(sku);
    out->name = text(name);
    out->quantity = quantity;
    out->unit_price = money(unit_minor, currency);
    out->total = money(unit_minor * quantity - 100, currency); /* its share of a discount is off */
    return out;
}

static Contact *contact(const char *locale, const char *name)
{
    Contact *out = ARENA_NEW(arena, Contact);
    penstock__orders__v1__contact__init(out);
    out->locale = text(locale);
    out->number = text("WEB-100023");
    out->customer = ARENA_NEW(arena, Penstock__Orders__V1__Customer);
    penstock__orders__v1__customer__init(out->customer);
    out->customer->name = text(name);
    out->order = ARENA_NEW(arena, Penstock__Orders__V1__Order);
    penstock__orders__v1__order__init(out->order);
    out->order->number = text("WEB-100023");
    out->order->placed_at_us = INT64_C(1794369603123456); /* 2026-11-11 04:00:03 UTC */
    return out;
}

static void give_address(Contact *to, const char *name, const char *address1, const char *city,
                         const char *country)
{
    to->shipping_address = ARENA_NEW(arena, Penstock__Common__V1__Address);
    penstock__common__v1__address__init(to->shipping_address);
    to->shipping_address->name = text(name);
    to->shipping_address->phone = text("+852 9123 4567");
    to->shipping_address->address1 = text(address1);
    to->shipping_address->city = text(city);
    to->shipping_address->country = text(country);
}

static void give_lines(Contact *to, size_t count, ...)
{
    Penstock__Orders__V1__Order *order = to->order;
    order->lines = ARENA_ARRAY(arena, count, Penstock__Orders__V1__OrderLine *);
    va_list list;
    va_start(list, count);
    while (order->n_lines < count)
        order->lines[order->n_lines++] = va_arg(list, Penstock__Orders__V1__OrderLine *);
    va_end(list);
}

static void give_payment(Contact *to, const char *method)
{
    Penstock__Orders__V1__Payment *payment = ARENA_NEW(arena, Penstock__Orders__V1__Payment);
    penstock__orders__v1__payment__init(payment);
    payment->id = text("p1");
    payment->method = text(method);
    to->order->payments = ARENA_ARRAY(arena, 1, Penstock__Orders__V1__Payment *);
    to->order->payments[0] = payment;
    to->order->n_payments = 1;
}

static Contact *hong_kong_order(const char *locale)
{
    Contact *to = contact(locale, "陳大文");
    give_lines(to, 3, line("l1", "TEE-M", "純棉T恤 M", 2, 12000, "HKD"),
               line("l2", "BTL-500", "保溫瓶 500ml 不鏽鋼真空雙層 霧面黑 附杯刷與提繩禮盒組", 1,
                    128000, "HKD"),
               line("l3", "", "Gift wrapping", 1, 2000, "HKD"));
    give_address(to, "陳大文", "觀塘道 1 號 創紀之城五期 18 樓 1801 室", "觀塘", "HK");
    give_payment(to, "card");
    to->order->items_total = money(154000, "HKD");
    to->order->discount_total = money(15000, "HKD");
    to->order->shipping_total = money(3000, "HKD");
    to->order->total = money(142000, "HKD");
    to->order->prices_include_tax = true;
    Penstock__Orders__V1__ShippingLine *way = ARENA_NEW(arena, Penstock__Orders__V1__ShippingLine);
    penstock__orders__v1__shipping_line__init(way);
    way->title = text("順豐速運");
    to->order->shipping_lines = ARENA_ARRAY(arena, 1, Penstock__Orders__V1__ShippingLine *);
    to->order->shipping_lines[0] = way;
    to->order->n_shipping_lines = 1;
    return to;
}

static Contact *taiwan_order(const char *locale)
{
    Contact *to = contact(locale, "Lee K.");
    give_lines(to, 1, line("l1", "MUG-1", "馬克杯", 1, 689, "TWD"));
    give_payment(to, "cash_on_delivery");
    to->order->items_total = money(689, "TWD");
    to->order->total = money(689, "TWD");
    to->order->amount_due = money(689, "TWD");
    return to;
}

static FulfillmentShipped *parcel(int64_t shirts)
{
    FulfillmentShipped *out = ARENA_NEW(arena, FulfillmentShipped);
    penstock__fulfillment__v1__fulfillment_shipped__init(out);
    out->carrier = text("sf-express");
    out->tracking_number = text("SF1234567890123");
    out->shipped_at_us = INT64_C(1794400000000000);
    Penstock__Fulfillment__V1__WorkLine *work =
        ARENA_NEW(arena, Penstock__Fulfillment__V1__WorkLine);
    penstock__fulfillment__v1__work_line__init(work);
    work->order_line_id = text("l1");
    work->sku = text("TEE-M");
    work->quantity = work->total = shirts;
    out->lines = ARENA_ARRAY(arena, 1, Penstock__Fulfillment__V1__WorkLine *);
    out->lines[0] = work;
    out->n_lines = 1;
    return out;
}

static RefundRecorded *refund(int64_t minor, const char *currency)
{
    RefundRecorded *out = ARENA_NEW(arena, RefundRecorded);
    penstock__orders__v1__refund_recorded__init(out);
    out->amount = money(minor, currency);
    out->payment_id = text("p1");
    out->return_id = text("r1");
    return out;
}

/* ---- writing ---- */

static void keep(const char *name, const char *ending, const char *content)
{
    const char *folder = getenv("PENSTOCK_LETTERS");
    if (folder == NULL)
        return;
    FILE *file = fopen(arena_printf(arena, "%s/%s.%s", folder, name, ending), "w");
    assert_non_null(file);
    fputs(content, file);
    fclose(file);
}

static struct letter written(const char *name, const struct letter_subject *subject)
{
    struct letter letter;
    letters_write(letters, arena, subject, INT64_C(1794369603000000), &letter);
    keep(name, "html", letter.html);
    keep(name, "txt", arena_printf(arena, "%s\n\n%s", letter.subject, letter.text));
    assert_null(strstr(letter.html, "{{"));
    assert_null(strstr(letter.text, "{{"));
    return letter;
}

#define SAYS(where, what) assert_non_null(strstr((where), (what)))
#define SAYS_NOT(where, what) assert_null(strstr((where), (what)))

static void a_confirmation_says_what_was_ordered_and_what_it_costs(void **unused)
{
    (void)unused;
    struct letter_subject subject = {.kind = MESSAGE_ORDER_CONFIRMATION};
    subject.contact = hong_kong_order("zh-TW");
    struct letter zh = written("confirmation-zh", &subject);
    assert_string_equal(zh.subject, "已收到您的訂單 WEB-100023");
    static const char *const facts[] = {"WEB-100023",  "陳大文 您好",   "2026年11月11日 12:00",
                                        "純棉T恤 M",   "HK$120.00",     "HK$240.00",
                                        "-HK$150.00",  "HK$30.00",      "順豐速運",
                                        "HK$1,420.00", "Gift wrapping", "信用卡",
                                        "香港",        "觀塘道 1 號"};
    for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
        SAYS(zh.html, facts[i]);
        SAYS(zh.text, facts[i]);
    }
    subject.contact = hong_kong_order("en-GB");
    struct letter en = written("confirmation-en", &subject);
    assert_string_equal(en.subject, "We have received your order WEB-100023");
    SAYS(en.text, "11 November 2026, 12:00");
    SAYS(en.text, "Discount: -HK$150.00");
    SAYS(en.html, "<html lang=\"en\">");
    SAYS(en.text, "香港"); /* the address is a Chinese one */
    SAYS_NOT(en.text, "總計");
}

static void an_order_without_address_or_parts_shows_none(void **unused)
{
    (void)unused;
    struct letter_subject subject = {.kind = MESSAGE_ORDER_CONFIRMATION};
    subject.contact = taiwan_order("");
    struct letter zh = written("confirmation-twd-zh", &subject);
    assert_int_equal(zh.language, LANGUAGE_ZH_HANT);
    SAYS(zh.html, "NT$689<");
    SAYS(zh.text, "待付金額：NT$689");
    SAYS_NOT(zh.text, "收件資料");
    SAYS_NOT(zh.text, "商品小計");
    SAYS_NOT(zh.text, "折扣");
}

static void a_shipment_mail_names_carrier_number_and_contents(void **unused)
{
    (void)unused;
    struct letter_subject subject = {.kind = MESSAGE_SHIPMENT, .shipped = parcel(1)};
    subject.contact = hong_kong_order("zh-Hant");
    struct letter zh = written("shipment-zh", &subject);
    SAYS(zh.html, "SF1234567890123");
    SAYS(zh.text, "物流：順豐速運");
    SAYS(zh.text, "- 純棉T恤 M（TEE-M） × 1");
    SAYS(zh.text, "其餘商品將另行寄出");
    subject.contact = hong_kong_order("en");
    struct letter en = written("shipment-en", &subject);
    SAYS(en.text, "Carrier: SF Express");
    SAYS(en.text, "follows separately");
    subject.shipped = parcel(2);
    for (size_t i = 1; i < 3; i++)
        subject.contact->order->lines[i]->fulfilled = 1;
    struct letter last = written("shipment-last-en", &subject);
    SAYS_NOT(last.text, "follows separately");
}

static void a_refund_mail_says_how_much_goes_where(void **unused)
{
    (void)unused;
    struct letter_subject subject = {.kind = MESSAGE_REFUND, .refund = refund(12000, "HKD")};
    subject.contact = hong_kong_order("zh-Hant");
    subject.contact->order->refunded_total = money(12000, "HKD");
    struct letter zh = written("refund-zh", &subject);
    SAYS(zh.subject, "HK$120.00");
    SAYS(zh.text, "退款金額：HK$120.00");
    SAYS(zh.text, "退款方式：信用卡");
    SAYS(zh.text, "您退回的商品");
    subject.contact = hong_kong_order("en");
    subject.refund = refund(12000, "HKD");
    struct letter en = written("refund-en", &subject);
    SAYS(en.subject, "Your refund of HK$120.00 for order WEB-100023");
    SAYS(en.text, "Refunded to: Card");
}

static void a_message_of_the_shop_keeps_its_lines_and_links_to_the_order(void **unused)
{
    (void)unused;
    struct letter_subject subject = {
        .kind = MESSAGE_STAFF_MESSAGE,
        .text = "您好，外套 L 號明天到貨。\r\n\r\n<b>是否</b>改寄 L 號？\n請回覆，謝謝。"};
    Contact *to = hong_kong_order("zh-Hant");
    to->link_token = text("a-token");
    subject.contact = to;
    struct letter zh = written("message-zh", &subject);
    assert_string_equal(zh.subject, "關於您的訂單 WEB-100023");
    SAYS(zh.text, "您好，外套 L 號明天到貨。\n\n<b>是否</b>改寄 L 號？\n請回覆，謝謝。\n");
    SAYS(zh.html, "到貨。<br><br>&lt;b&gt;是否&lt;/b&gt;改寄 L 號？<br>請回覆");
    SAYS(zh.html, "href=\"https://orders.example.com/o/a-token\"");
    SAYS(zh.text, "https://orders.example.com/o/a-token\n");
    subject.contact = hong_kong_order("en");
    subject.text = "The L arrives tomorrow.\nShall we send that instead?";
    struct letter en = written("message-en", &subject);
    SAYS(en.text, "The L arrives tomorrow.\nShall we send that instead?\n");
    SAYS_NOT(en.html, "/o/");
}

static void a_code_stands_in_the_subject_and_alone_on_its_line(void **unused)
{
    (void)unused;
    struct letter_subject subject = {.kind = MESSAGE_ORDER_CODE, .text = "048213"};
    subject.contact = hong_kong_order("en");
    struct letter en = written("code-en", &subject);
    SAYS(en.subject, "048213");
    SAYS(en.text, "\n\n048213\n\n");
    subject.contact = hong_kong_order("zh-TW");
    struct letter zh = written("code-zh", &subject);
    SAYS(zh.html, ">048213<");
    SAYS_NOT(zh.text, "觀塘");
}

static void a_hostile_customer_writes_no_html_and_no_headers(void **unused)
{
    (void)unused;
    struct letter_subject subject = {.kind = MESSAGE_ORDER_CONFIRMATION};
    Contact *to =
        contact("en", "</p><img src=x onerror=alert(1)>\r\nBcc: evil@example.com\r\n\r\nx");
    to->number = text("WEB-1\r\nBcc: evil@example.com");
    give_lines(to, 1, line("l1", "<b>", "\"><script>alert(2)</script>{{shop_name}}", 1, 1, "HKD"));
    give_address(to, "a\rb", "<style>*{}</style>", "x\x01y", "<i>");
    subject.contact = to;
    struct letter letter;
    letters_write(letters, arena, &subject, 0, &letter);
    assert_null(strpbrk(letter.subject, "\r\n"));
    assert_null(strpbrk(letter.to_name, "\r\n"));
    assert_null(strchr(letter.text, '\r'));
    SAYS_NOT(letter.text, "\nBcc:");
    SAYS_NOT(letter.html, "<script");
    SAYS_NOT(letter.html, "<img");
    SAYS_NOT(letter.html, "<style");
    SAYS_NOT(letter.html, "<b>");
    SAYS(letter.html, "{{shop_name}}"); /* what a customer typed is not a template */
    keep("hostile-en", "html", letter.html);
}

static void a_name_of_a_currency_and_digits_in_groups(void **unused)
{
    (void)unused;
    static const struct {
        int64_t minor;
        const char *currency, *text;
    } cases[] = {{12000, "HKD", "HK$120.00"},    {689, "TWD", "NT$689"},
                 {-300, "USD", "-US$3.00"},      {123456789, "JPY", "JP¥123,456,789"},
                 {100000, "EUR", "€1,000.00"},   {1250, "KWD", "KWD 1.250"},
                 {99999, "GBP", "£999.99"},      {0, "HKD", "HK$0.00"},
                 {-123456, "TWD", "-NT$123,456"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct money amount = {.minor = cases[i].minor};
        strcpy(amount.currency, cases[i].currency);
        assert_string_equal(wording_money(arena, amount), cases[i].text);
    }
}

static void the_shops_clock_follows_its_zone(void **unused)
{
    (void)unused;
    static const struct {
        const char *zone;
        int64_t at_s;
        int32_t offset_s;
    } cases[] = {
        {"Asia/Hong_Kong", 1794369603, 28800},
        {"Asia/Taipei", 1794369603, 28800},
        {"UTC", 1794369603, 0},
        {"America/New_York", 1793512799, -14400},
        {"America/New_York", 1793512800, -18000},
        {"Europe/London", 1782864000, 3600},
        {"Australia/Lord_Howe", 1794369603, 39600},
        {"Asia/Kathmandu", 1794369603, 20700},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct zone *zone;
        assert_int_equal(zone_open(cases[i].zone, &zone), STATUS_OK);
        assert_int_equal(zone_offset_s(zone, cases[i].at_s * 1000000), cases[i].offset_s);
        zone_close(&zone);
    }
    struct zone *none;
    assert_int_equal(zone_open("../../etc/passwd", &none), STATUS_INVALID);
    assert_int_equal(zone_open("Asia/Atlantis", &none), STATUS_NOT_FOUND);
    assert_int_equal(zone_open("", &none), STATUS_INVALID);
}

static enum status open_with(const char *folder, const char *file, const char *content,
                             const char **message)
{
    if (file != NULL) {
        FILE *out = fopen(arena_printf(arena, "%s/%s", folder, file), "w");
        fputs(content, out);
        fclose(out);
    }
    struct notify_conf conf = settings();
    conf.template_directory = text(folder);
    struct letters *own;
    enum status status = letters_open(&conf, arena, &own, message);
    letters_close(&own);
    return status;
}

static void a_shops_own_template_wins_and_a_wrong_one_stops_the_start(void **unused)
{
    (void)unused;
    char folder[] = "/tmp/penstock-templates.XXXXXX";
    const char *message = "";
    assert_non_null(mkdtemp(folder));
    assert_int_equal(
        open_with(folder, "refund.en.txt", "Subject: {{number}}\n\n{{total}}\n", &message),
        STATUS_OK);
    assert_int_equal(open_with(folder, "refund.en.txt", "Subject: {{nmber}}\n\nx\n", &message),
                     STATUS_INVALID);
    SAYS(message, "template refund.en.txt: line 1: there is no field {{nmber}} here");
    assert_int_equal(open_with(folder, "refund.en.txt", "Hello\n", &message), STATUS_INVALID);
    SAYS(message, "Subject");
    assert_int_equal(unlink(arena_printf(arena, "%s/refund.en.txt", folder)), 0);
    /* A link out of the folder is not followed. */
    assert_int_equal(symlink("/etc/hostname", arena_printf(arena, "%s/refund.en.txt", folder)), 0);
    assert_int_equal(open_with(folder, NULL, NULL, &message), STATUS_INVALID);
    SAYS(message, "cannot read it");
    unlink(arena_printf(arena, "%s/refund.en.txt", folder));
    /* Nor is a part that cannot be read passed over. */
    assert_int_equal(symlink("/etc/hostname", arena_printf(arena, "%s/_head.html", folder)), 0);
    assert_int_equal(open_with(folder, NULL, NULL, &message), STATUS_INVALID);
    unlink(arena_printf(arena, "%s/_head.html", folder));
    assert_int_equal(rmdir(folder), 0);
    assert_int_equal(open_with(folder, NULL, NULL, &message), STATUS_INVALID);
    SAYS(message, "template_directory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_confirmation_says_what_was_ordered_and_what_it_costs),
        cmocka_unit_test(an_order_without_address_or_parts_shows_none),
        cmocka_unit_test(a_shipment_mail_names_carrier_number_and_contents),
        cmocka_unit_test(a_refund_mail_says_how_much_goes_where),
        cmocka_unit_test(a_message_of_the_shop_keeps_its_lines_and_links_to_the_order),
        cmocka_unit_test(a_code_stands_in_the_subject_and_alone_on_its_line),
        cmocka_unit_test(a_hostile_customer_writes_no_html_and_no_headers),
        cmocka_unit_test(a_name_of_a_currency_and_digits_in_groups),
        cmocka_unit_test(the_shops_clock_follows_its_zone),
        cmocka_unit_test(a_shops_own_template_wins_and_a_wrong_one_stops_the_start),
    };
    return cmocka_run_group_tests(tests, open_letters, close_letters);
}
