/* xlsx.h -- a workbook written as a stream: nothing is kept but what is being compressed.
 *
 * A workbook is a zip archive of XML. Sizes and checksums follow each part, so that rows go out as
 * they come and a million of them take no more memory than ten. Past a sheet's limit there is a
 * next sheet; the parts that name the sheets come last.
 *
 * Ownership: xlsx_open() makes, xlsx_free() frees. What is ready is handed to the sink at once.
 * Limits: XLSX_MAX_SHEETS sheets of 1,048,576 rows; 4 GiB in all.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define XLSX_MAX_SHEETS 40

typedef void xlsx_sink_fn(void *context, const void *bytes, size_t count);
struct xlsx;

struct xlsx *xlsx_open(xlsx_sink_fn *sink, void *context);
/* Whole rows as XML: "<row><c>...</c></row>". False: the workbook is full. */
bool xlsx_rows(struct xlsx *xlsx, const void *bytes, size_t count, int64_t rows);
/* The end of the archive. */
void xlsx_end(struct xlsx *xlsx);
void xlsx_free(struct xlsx **xlsx);
