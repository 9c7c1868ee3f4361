import type { ImportErrorPolicy, ImportFormat, ImportStatus, ImportStockPolicy } from "../../api/schema.gen";
import { words, type Phrase } from "../../i18n";
import type { Tone } from "../../ui/Status";

export const p = words({
    title: ["Imports", "匯入"],
    file: ["File", "檔案"],
    chooseFile: ["A CSV file (UTF-8)", "CSV 檔案(UTF-8)"],
    format: ["Format", "格式"],
    channel: ["Channel of rows that name none", "未註明時的通路"],
    currency: ["Currency of rows that name none", "未註明時的幣別"],
    errors: ["When a row is wrong", "資料有誤時"],
    stock: ["Stock", "庫存"],
    past: ["Orders of the past: their own times, no stock, no mail", "歷史訂單:保留原時間,不動庫存、不寄信"],
    mails: ["Mail the customers as if they had ordered now", "如同新訂單寄信給顧客"],
    add: ["Import a file", "匯入檔案"],
    hint: ["The file is checked first and nothing is placed. Then you see what is wrong, and what would be placed.", "會先檢查檔案,不會建立訂單;確認結果後再執行。"],
    send: ["Send and check", "上傳並檢查"],
    sending: ["Sent {done} of {all} KiB", "已上傳 {done} / {all} KiB"],
    rows: ["Rows", "列數"],
    orders: ["Orders", "訂單"],
    failed: ["With errors", "有誤"],
    known: ["Here already", "已存在"],
    placed: ["Placed", "已建立"],
    empty: ["Nothing was imported yet", "尚無匯入"],
    emptyHint: ["Bring the orders of another system along, or those of a shop that has no connection.", "可匯入其他系統或尚未串接通路的訂單。"],
    all: ["All imports", "所有匯入"],
    run: ["Place the orders", "建立訂單"],
    runTitle: ["Place the orders of {name}", "建立「{name}」的訂單"],
    runPreview: ["{count} {count|order|orders} will be placed; {known} are here already and {failed} have errors. The same file again places nothing.", "將建立 {count} 筆訂單;{known} 筆已存在,{failed} 筆有誤。重複匯入同一檔案不會重複建立。"],
    running: ["It goes on by itself, also when this page is closed.", "將自動執行,可關閉此頁。"],
    stop: ["Stop", "停止"],
    stopTitle: ["Stop the import of {name}", "停止匯入「{name}」"],
    stopPreview: ["What was placed stays; the rest of the file is forgotten.", "已建立的訂單保留,其餘內容將捨棄。"],
    stopped: ["The import is stopped.", "已停止匯入。"],
    errorsTitle: ["What is wrong", "錯誤"],
    errorsNone: ["No row has an error.", "沒有錯誤。"],
    row: ["Row", "列"],
    external: ["Order", "訂單"],
    field: ["Field", "欄位"],
    why: ["Why", "原因"],
    moreErrors: ["The first {count} are shown.", "僅顯示前 {count} 筆。"],
});
export const statuses: Record<ImportStatus, readonly [Tone, Phrase]> = {
    receiving: ["waiting", ["Receiving", "上傳中"]],
    checking: ["active", ["Checking", "檢查中"]],
    checked: ["waiting", ["Checked", "已檢查"]],
    running: ["active", ["Running", "執行中"]],
    done: ["done", ["Done", "已完成"]],
    cancelled: ["ended", ["Stopped", "已停止"]],
};
export const formats: Record<ImportFormat, Phrase> = words({
    penstock: ["Penstock", "Penstock"],
    shopify: ["Shopify's export of orders", "Shopify 訂單匯出"],
});
export const errorPolicies: Record<ImportErrorPolicy, Phrase> = words({
    reject_all: ["Nothing is placed", "全部不建立"],
    skip_rows: ["Its order is left out", "略過該訂單"],
});
export const stockPolicies: Record<ImportStockPolicy, Phrase> = words({
    accept: ["What there is; the rest waits", "有庫存先配,不足等候"],
    require: ["All, or the order is an error", "須全部有庫存"],
    skip: ["None is moved", "不動庫存"],
});
