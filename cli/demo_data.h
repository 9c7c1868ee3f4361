/* demo_data.h -- the demonstration shop: a clothing and homeware merchant in Hong Kong and Taiwan.
 *
 * Everything here is invented. Families times colours times sizes make the catalogue.
 */
#pragma once

#include <stdint.h>

struct demo_location {
    const char *code, *name;
    int type; /* of penstock.inventory.v1.LocationType */
};
static const struct demo_location demo_locations[] = {
    {"hk-main", "觀塘倉", 1},
    {"tw-taoyuan", "桃園倉", 1},
    {"store-mongkok", "旺角門市", 2},
};

struct demo_family {
    const char *sku, *name;
    int64_t price_minor; /* HKD cents */
    const char *const *sizes;
};
static const char *const demo_clothes[] = {"S", "M", "L", "XL", NULL};
static const char *const demo_shoes[] = {"36", "37", "38", "39", "40", "41", "42", NULL};
static const char *const demo_one[] = {"F", NULL};
static const struct demo_family demo_families[] = {
    {"TEE", "純棉T恤", 12000, demo_clothes},      {"SHIRT", "亞麻襯衫", 26800, demo_clothes},
    {"POLO", "透氣Polo衫", 19800, demo_clothes},  {"HOOD", "連帽衛衣", 32800, demo_clothes},
    {"JEANS", "直筒牛仔褲", 35800, demo_clothes}, {"SHORT", "休閒短褲", 15800, demo_clothes},
    {"DRESS", "棉麻連身裙", 38800, demo_clothes}, {"COAT", "輕羽絨外套", 68800, demo_clothes},
    {"SNEAK", "帆布鞋", 29800, demo_shoes},       {"SANDAL", "皮涼鞋", 24800, demo_shoes},
    {"TOTE", "帆布袋", 9800, demo_one},           {"CAP", "棒球帽", 11800, demo_one},
    {"MUG", "陶瓷馬克杯", 8800, demo_one},        {"TOWEL", "有機棉毛巾", 7800, demo_one},
};
struct demo_colour {
    const char *code, *name;
};
static const struct demo_colour demo_colours[] = {
    {"WHT", "白"},   {"BLK", "黑"},     {"GRY", "灰"},
    {"NVY", "藏青"}, {"OLV", "橄欖綠"}, {"SND", "沙色"},
};

/* What becomes of a sample order after it is placed. */
enum demo_fate {
    DEMO_WAITS, /* confirmed, to be picked */
    DEMO_PICKED,
    DEMO_SHIPPED,
    DEMO_RETURNED, /* shipped, one unit comes back and is refunded */
    DEMO_HELD,
    DEMO_CANCELLED,
};
struct demo_order {
    const char *external_id, *customer, *email, *phone, *address, *city, *country, *locale;
    const char *skus[3];
    int64_t quantities[3];
    const char *method; /* of payment; cash_on_delivery stays unpaid */
    enum demo_fate fate;
};
static const struct demo_order demo_orders[] = {
    {"D-1001",
     "陳大文",
     "tm.chan@example.com",
     "+85291234567",
     "觀塘道 1 號",
     "觀塘",
     "HK",
     "zh-Hant",
     {"TEE-WHT-M", "CAP-BLK-F", NULL},
     {2, 1, 0},
     "card",
     DEMO_RETURNED},
    {"D-1002",
     "林美玲",
     "meiling.lin@example.com",
     "+886912345678",
     "中正路 88 號",
     "桃園市",
     "TW",
     "zh-Hant",
     {"DRESS-OLV-S", NULL, NULL},
     {1, 0, 0},
     "cash_on_delivery",
     DEMO_SHIPPED},
    {"D-1003",
     "Grace Wong",
     "grace.wong@example.com",
     "+85298765432",
     "8 Queen's Road Central",
     "Central",
     "HK",
     "en",
     {"COAT-NVY-M", "TOTE-SND-F", NULL},
     {1, 2, 0},
     "card",
     DEMO_SHIPPED},
    {"D-1004",
     "黃志強",
     "ck.wong@example.com",
     "+85261234567",
     "彌敦道 500 號",
     "旺角",
     "HK",
     "zh-Hant",
     {"JEANS-BLK-L", "TEE-GRY-L", NULL},
     {1, 1, 0},
     "bank_transfer",
     DEMO_WAITS},
    {"D-1005",
     "張雅婷",
     "yating@example.com",
     "+886922333444",
     "忠孝東路四段 200 號",
     "台北市",
     "TW",
     "zh-Hant",
     {"SNEAK-WHT-38", NULL, NULL},
     {1, 0, 0},
     "card",
     DEMO_PICKED},
    {"D-1006",
     "Peter Lam",
     "peter.lam@example.com",
     "+85255556666",
     "1 Harbour Road",
     "Wan Chai",
     "HK",
     "en",
     {"MUG-WHT-F", "TOWEL-GRY-F", NULL},
     {4, 2, 0},
     "card",
     DEMO_HELD},
    {"D-1007",
     "何詠詩",
     "winsze.ho@example.com",
     "+85269998888",
     "沙田正街 2 號",
     "沙田",
     "HK",
     "zh-Hant",
     {"HOOD-GRY-M", NULL, NULL},
     {1, 0, 0},
     "card",
     DEMO_CANCELLED},
    {"D-1008",
     "吳俊傑",
     "jj.wu@example.com",
     "+886933111222",
     "民權路 10 號",
     "台中市",
     "TW",
     "zh-Hant",
     {"SHIRT-WHT-XL", "SHORT-NVY-XL", "CAP-OLV-F"},
     {1, 2, 1},
     "card",
     DEMO_WAITS},
};

/* What the two storefronts send, each delivery signed as that storefront signs. */
struct demo_hook {
    const char *channel, *topic_header, *topic, *identity_header, *signature_header, *secret, *body;
};
#define DEMO_SHOPIFY_SECRET "demo-shopify-secret"
#define DEMO_WOOCOMMERCE_SECRET "demo-woocommerce-secret"
static const struct demo_hook demo_hooks[] = {
    {"shopify-hk", "X-Shopify-Topic", "orders/create", "X-Shopify-Event-Id",
     "X-Shopify-Hmac-Sha256", DEMO_SHOPIFY_SECRET,
     "{\"id\":7100000000001,\"name\":\"#2001\",\"order_number\":2001,\"test\":false,\"currency\":"
     "\"HKD\","
     "\"created_at\":\"2026-11-20T10:00:00+08:00\",\"updated_at\":\"2026-11-20T10:00:01+08:00\","
     "\"processed_at\":\"2026-11-20T10:00:00+08:00\",\"financial_status\":\"paid\",\"taxes_"
     "included\":true,"
     "\"customer_locale\":\"zh-HK\",\"total_price\":\"270.00\",\"current_total_price\":\"270.00\","
     "\"subtotal_price\":\"240.00\",\"total_discounts\":\"0.00\",\"total_tax\":\"0.00\","
     "\"total_line_items_price\":\"240.00\",\"email\":\"kaka@example.com\","
     "\"customer\":{\"id\":501,\"first_name\":\"嘉嘉\",\"last_name\":\"李\",\"email\":\"kaka@"
     "example.com\"},"
     "\"shipping_address\":{\"name\":\"李嘉嘉\",\"phone\":\"+85266667777\",\"address1\":\"英皇道 "
     "300 號\","
     "\"city\":\"北角\",\"zip\":null,\"country_code\":\"HK\"},"
     "\"line_items\":[{\"id\":9001,\"sku\":\"TEE-BLK-S\",\"title\":\"純棉T恤 黑 S\",\"quantity\":2,"
     "\"current_quantity\":2,\"price\":\"120.00\",\"requires_shipping\":true,\"discount_"
     "allocations\":[],"
     "\"tax_lines\":[]}],"
     "\"shipping_lines\":[{\"id\":1,\"code\":\"sf\",\"title\":\"順豐速運\",\"price\":\"30.00\","
     "\"discounted_price\":\"30.00\",\"discount_allocations\":[],\"tax_lines\":[]}],"
     "\"tax_lines\":[],\"discount_codes\":[],\"note_attributes\":[],\"refunds\":[]}"},
    {"woocommerce-tw", "X-WC-Webhook-Topic", "order.created", "X-WC-Webhook-Delivery-ID",
     "X-WC-Webhook-Signature", DEMO_WOOCOMMERCE_SECRET,
     "{\"id\":3301,\"parent_id\":0,\"number\":\"3301\",\"order_key\":\"wc_order_demo3301\","
     "\"status\":\"processing\","
     "\"currency\":\"TWD\",\"prices_include_tax\":true,\"date_created_gmt\":\"2026-11-20T03:00:"
     "00\","
     "\"date_modified_gmt\":\"2026-11-20T03:00:05\",\"date_paid_gmt\":\"2026-11-20T03:00:05\","
     "\"discount_total\":\"0\",\"discount_tax\":\"0\",\"shipping_total\":\"60\",\"shipping_tax\":"
     "\"0\","
     "\"cart_tax\":\"0\",\"total\":\"1060\",\"total_tax\":\"0\",\"customer_id\":0,"
     "\"billing\":{\"first_name\":\"怡君\",\"last_name\":\"王\",\"address_1\":\"復興路 66 "
     "號\",\"city\":\"桃園市\","
     "\"postcode\":\"330\",\"country\":\"TW\",\"email\":\"yijun@example.com\",\"phone\":"
     "\"0955123456\"},"
     "\"shipping\":{\"first_name\":\"怡君\",\"last_name\":\"王\",\"address_1\":\"復興路 66 "
     "號\",\"city\":\"桃園市\","
     "\"postcode\":\"330\",\"country\":\"TW\"},"
     "\"payment_method\":\"ecpay\",\"payment_method_title\":\"信用卡\",\"transaction_id\":"
     "\"EC0001\","
     "\"customer_note\":\"\",\"line_items\":[{\"id\":1,\"name\":\"亞麻襯衫 白 "
     "L\",\"sku\":\"SHIRT-WHT-L\","
     "\"quantity\":1,\"subtotal\":\"1000\",\"subtotal_tax\":\"0\",\"total\":\"1000\",\"total_tax\":"
     "\"0\","
     "\"price\":1000,\"taxes\":[],\"meta_data\":[]}],"
     "\"tax_lines\":[],\"shipping_lines\":[{\"id\":2,\"method_title\":\"宅配\",\"method_id\":"
     "\"flat_rate\","
     "\"total\":\"60\",\"total_tax\":\"0\",\"taxes\":[],\"meta_data\":[]}],"
     "\"fee_lines\":[],\"coupon_lines\":[],\"refunds\":[],\"meta_data\":[]}"},
};
