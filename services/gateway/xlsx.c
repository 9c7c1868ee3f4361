#include "services/gateway/xlsx.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define SHEET_ROWS 1048576
#define SHEET_BYTES ((uint64_t)3 << 30)
#define ARCHIVE_BYTES ((uint64_t)4000 << 20)
#define MAX_PARTS (XLSX_MAX_SHEETS + 4)
#define MAIN "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
#define RELATIONS "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
#define PACKAGE "http://schemas.openxmlformats.org/package/2006/"
#define XML "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n"

struct part {
    char name[40];
    uint32_t crc;
    uint64_t packed, plain, offset;
};
struct xlsx {
    xlsx_sink_fn *sink;
    void *context;
    z_stream stream;
    struct part parts[MAX_PARTS];
    size_t nparts;
    uint64_t offset;
    int64_t sheet_rows;
    size_t sheets;
};

/* ---- the archive ---- */

static void emit(struct xlsx *xlsx, const void *bytes, size_t count)
{
    xlsx->offset += count;
    xlsx->sink(xlsx->context, bytes, count);
}

static uint8_t *put16(uint8_t *to, unsigned value)
{
    to[0] = (uint8_t)value;
    to[1] = (uint8_t)(value >> 8);
    return to + 2;
}

static uint8_t *put32(uint8_t *to, uint64_t value)
{
    to = put16(to, (unsigned)(value & 0xFFFF));
    return put16(to, (unsigned)(value >> 16 & 0xFFFF));
}

/* Version, flags (sizes follow; names are UTF-8), method, and a date that is none. */
static uint8_t *put_common(uint8_t *to)
{
    to = put16(to, 20);
    to = put16(to, 1u << 3 | 1u << 11);
    to = put16(to, Z_DEFLATED);
    to = put16(to, 0);
    return put16(to, 1u << 5 | 1u);
}

static void begin_part(struct xlsx *xlsx, const char *name)
{
    uint8_t head[30], *to = put32(head, 0x04034b50);
    assert(xlsx->nparts < MAX_PARTS);
    struct part *part = &xlsx->parts[xlsx->nparts++];
    *part = (struct part){.crc = (uint32_t)crc32(0, NULL, 0), .offset = xlsx->offset};
    snprintf(part->name, sizeof part->name, "%s", name);
    to = put_common(to);
    to = put32(put32(put32(to, 0), 0), 0);
    to = put16(put16(to, (unsigned)strlen(name)), 0);
    emit(xlsx, head, (size_t)(to - head));
    emit(xlsx, name, strlen(name));
    deflateReset(&xlsx->stream);
}

static void pack(struct xlsx *xlsx, const void *bytes, size_t count, int flush)
{
    struct part *part = &xlsx->parts[xlsx->nparts - 1];
    uint8_t out[16384];
    part->crc = (uint32_t)crc32(part->crc, bytes, (uInt)count);
    part->plain += count;
    xlsx->stream.next_in = (Bytef *)(uintptr_t)bytes;
    xlsx->stream.avail_in = (uInt)count;
    do {
        xlsx->stream.next_out = out;
        xlsx->stream.avail_out = sizeof out;
        deflate(&xlsx->stream, flush);
        size_t ready = sizeof out - xlsx->stream.avail_out;
        part->packed += ready;
        emit(xlsx, out, ready);
    } while (xlsx->stream.avail_out == 0);
}

static void pack_text(struct xlsx *xlsx, const char *text)
{
    pack(xlsx, text, strlen(text), Z_NO_FLUSH);
}

static void end_part(struct xlsx *xlsx)
{
    uint8_t tail[16], *to = put32(tail, 0x08074b50);
    pack(xlsx, "", 0, Z_FINISH);
    const struct part *part = &xlsx->parts[xlsx->nparts - 1];
    to = put32(put32(put32(to, part->crc), part->packed), part->plain);
    emit(xlsx, tail, (size_t)(to - tail));
}

static void emit_directory(struct xlsx *xlsx)
{
    uint64_t start = xlsx->offset;
    uint8_t bytes[46], *to;
    for (size_t i = 0; i < xlsx->nparts; i++) {
        const struct part *part = &xlsx->parts[i];
        to = put_common(put16(put32(bytes, 0x02014b50), 20));
        to = put32(put32(put32(to, part->crc), part->packed), part->plain);
        to = put16(put16(put16(to, (unsigned)strlen(part->name)), 0), 0);
        to = put32(put32(put16(put16(to, 0), 0), 0), part->offset);
        emit(xlsx, bytes, (size_t)(to - bytes));
        emit(xlsx, part->name, strlen(part->name));
    }
    to = put32(bytes, 0x06054b50);
    to = put16(put16(to, 0), 0);
    to = put16(put16(to, (unsigned)xlsx->nparts), (unsigned)xlsx->nparts);
    to = put32(put32(to, xlsx->offset - start), start);
    to = put16(to, 0);
    emit(xlsx, bytes, (size_t)(to - bytes));
}

/* ---- the workbook ---- */

static void begin_sheet(struct xlsx *xlsx)
{
    char name[40];
    snprintf(name, sizeof name, "xl/worksheets/sheet%zu.xml", ++xlsx->sheets);
    begin_part(xlsx, name);
    pack_text(xlsx, XML "<worksheet xmlns=\"" MAIN "\"><sheetData>");
    xlsx->sheet_rows = 0;
}

static void end_sheet(struct xlsx *xlsx)
{
    pack_text(xlsx, "</sheetData></worksheet>");
    end_part(xlsx);
}

struct xlsx *xlsx_open(xlsx_sink_fn *sink, void *context)
{
    struct xlsx *xlsx = calloc(1, sizeof *xlsx);
    assert(xlsx != NULL);
    xlsx->sink = sink;
    xlsx->context = context;
    int status = deflateInit2(&xlsx->stream, Z_BEST_SPEED, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY);
    assert(status == Z_OK);
    begin_sheet(xlsx);
    return xlsx;
}

bool xlsx_rows(struct xlsx *xlsx, const void *bytes, size_t count, int64_t rows)
{
    const struct part *part = &xlsx->parts[xlsx->nparts - 1];
    if (xlsx->sheet_rows + rows > SHEET_ROWS || part->plain + count > SHEET_BYTES) {
        if (xlsx->sheets == XLSX_MAX_SHEETS)
            return false;
        end_sheet(xlsx);
        begin_sheet(xlsx);
    }
    xlsx->sheet_rows += rows;
    pack(xlsx, bytes, count, Z_NO_FLUSH);
    return xlsx->offset < ARCHIVE_BYTES;
}

static void pack_each_sheet(struct xlsx *xlsx, const char *format)
{
    char text[300];
    for (size_t i = 1; i <= xlsx->sheets; i++) {
        /* The formats below name the sheet three times at most. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(text, sizeof text, format, i, i, i);
#pragma GCC diagnostic pop
        pack_text(xlsx, text);
    }
}

void xlsx_end(struct xlsx *xlsx)
{
    end_sheet(xlsx);
    begin_part(xlsx, "xl/workbook.xml");
    pack_text(xlsx, XML "<workbook xmlns=\"" MAIN "\" xmlns:r=\"" RELATIONS "\"><sheets>");
    pack_each_sheet(xlsx, "<sheet name=\"orders %zu\" sheetId=\"%zu\" r:id=\"rId%zu\"/>");
    pack_text(xlsx, "</sheets></workbook>");
    end_part(xlsx);
    begin_part(xlsx, "xl/_rels/workbook.xml.rels");
    pack_text(xlsx, XML "<Relationships xmlns=\"" PACKAGE "relationships\">");
    pack_each_sheet(xlsx, "<Relationship Id=\"rId%zu\" Type=\"" RELATIONS
                          "/worksheet\" Target=\"worksheets/sheet%zu.xml\"/>");
    pack_text(xlsx, "</Relationships>");
    end_part(xlsx);
    begin_part(xlsx, "_rels/.rels");
    pack_text(xlsx, XML "<Relationships xmlns=\"" PACKAGE "relationships\">"
                        "<Relationship Id=\"rId1\" Type=\"" RELATIONS
                        "/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>");
    end_part(xlsx);
    begin_part(xlsx, "[Content_Types].xml");
    pack_text(xlsx, XML "<Types xmlns=\"" PACKAGE "content-types\">"
                        "<Default Extension=\"rels\" "
                        "ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>"
                        "<Override PartName=\"/xl/workbook.xml\" ContentType=\"application/"
                        "vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml\"/>");
    pack_each_sheet(xlsx, "<Override PartName=\"/xl/worksheets/sheet%zu.xml\" "
                          "ContentType=\"application/"
                          "vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml\"/>");
    pack_text(xlsx, "</Types>");
    end_part(xlsx);
    emit_directory(xlsx);
}

void xlsx_free(struct xlsx **xlsx)
{
    if (*xlsx == NULL)
        return;
    deflateEnd(&(*xlsx)->stream);
    free(*xlsx);
    *xlsx = NULL;
}
