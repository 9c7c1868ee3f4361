/* Values to bytes and back: PostgreSQL's binary formats, and arrays of them. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/db_internal.h"

/* Types by their fixed OIDs (pg_type.dat). */
enum {
    BOOL = 16,
    BYTEA = 17,
    CHAR1 = 18,
    NAME = 19,
    INT8 = 20,
    INT2 = 21,
    INT4 = 23,
    TEXT = 25,
    OIDTYPE = 26,
    JSON = 114,
    BPCHAR = 1042,
    VARCHAR = 1043,
    DATE = 1082,
    TIMESTAMP = 1114,
    TIMESTAMPTZ = 1184,
    UUID = 2950,
};

static const struct {
    Oid array, element;
} array_types[] = {
    {1000, BOOL}, {1001, BYTEA},       {1005, INT2},   {1007, INT4},    {1016, INT8},
    {1009, TEXT}, {199, JSON},         {1014, BPCHAR}, {1015, VARCHAR}, {1115, TIMESTAMP},
    {1182, DATE}, {1185, TIMESTAMPTZ}, {2951, UUID},
};

#define POSTGRES_EPOCH_US INT64_C(946684800000000) /* 2000-01-01 */
#define DAY_US INT64_C(86400000000)
#define ARRAY_HEADER_BYTES 20
#define MAX_SET_ROWS 65535
#define MAX_COLUMN_BYTES ((size_t)16 << 20)
#define MAX_KEPT_BYTES ((size_t)1 << 20)

static Oid element_of(Oid array)
{
    for (size_t i = 0; i < sizeof(array_types) / sizeof(array_types[0]); i++) {
        if (array_types[i].array == array)
            return array_types[i].element;
    }
    return 0;
}

/* ---- bytes ---- */

static uint8_t *buffer_take(struct db_buffer *buffer, size_t bytes)
{
    if (bytes > buffer->room - buffer->used)
        buffer->data = db_grow(buffer->data, &buffer->room, buffer->used + bytes, 1);
    uint8_t *place = buffer->data + buffer->used;
    buffer->used += bytes;
    return place;
}

static void put_be32(uint8_t *to, uint32_t value)
{
    value = __builtin_bswap32(value);
    memcpy(to, &value, sizeof(value));
}

static void put_be64(uint8_t *to, uint64_t value)
{
    value = __builtin_bswap64(value);
    memcpy(to, &value, sizeof(value));
}

static uint16_t get_be16(const uint8_t *from)
{
    return (uint16_t)(from[0] << 8 | from[1]);
}

static uint32_t get_be32(const uint8_t *from)
{
    uint32_t value;
    memcpy(&value, from, sizeof(value));
    return __builtin_bswap32(value);
}

static uint64_t get_be64(const uint8_t *from)
{
    uint64_t value;
    memcpy(&value, from, sizeof(value));
    return __builtin_bswap64(value);
}

/* ---- one value in ---- */

/* The bytes of a value: either they stand somewhere already, or they are made in small. */
struct value {
    const void *bytes; /* NULL: SQL NULL */
    size_t count;
    uint8_t small[8];
};

static void value_small(struct value *value, uint64_t number, size_t bytes)
{
    put_be64(value->small, number << (64 - 8 * bytes));
    value->bytes = value->small;
    value->count = bytes;
}

static void value_int(struct value *value, const char *query, Oid type, int64_t number)
{
    size_t bytes = type == INT8 ? 8 : type == INT4 ? 4 : type == INT2 ? 2 : 0;
    if (bytes == 0)
        db_bug(query, "an integer is given where the server wants type %u", type);
    int64_t limit = INT64_MAX >> (64 - 8 * bytes);
    if (number > limit || number < -limit - 1)
        db_bug(query, "%lld does not fit %zu bytes", (long long)number, bytes);
    value_small(value, (uint64_t)number, bytes);
}

static void value_time(struct value *value, const char *query, Oid type, int64_t us)
{
    if (us == 0)
        return;
    int64_t since_epoch = us - POSTGRES_EPOCH_US;
    if (type == TIMESTAMPTZ || type == TIMESTAMP) {
        value_small(value, (uint64_t)since_epoch, 8);
    } else if (type == DATE) {
        int64_t days = since_epoch / DAY_US - (since_epoch % DAY_US < 0);
        value_small(value, (uint64_t)days, 4);
    } else {
        db_bug(query, "a time is given where the server wants type %u", type);
    }
}

static bool is_texty(Oid type)
{
    return type == TEXT || type == VARCHAR || type == BPCHAR || type == NAME || type == JSON ||
           type == CHAR1;
}

static void expect_type(const char *query, bool fits, const char *given, Oid wanted)
{
    if (!fits)
        db_bug(query, "%s is given where the server wants type %u", given, wanted);
}

/* Scalars only: arrays are made by encode_array(). */
static void value_of(struct value *value, const char *query, Oid type, const struct db_arg *arg)
{
    value->bytes = NULL;
    value->count = 0;
    switch (arg->kind) {
    case DB_ARG_NULL:
        return;
    case DB_ARG_INT:
        value_int(value, query, type, arg->number);
        return;
    case DB_ARG_BOOL:
        expect_type(query, type == BOOL, "a boolean", type);
        value_small(value, arg->number != 0, 1);
        return;
    case DB_ARG_TEXT:
        expect_type(query, is_texty(type), "a text", type);
        value->bytes = arg->data;
        value->count = arg->data == NULL ? 0 : strlen(arg->data);
        return;
    case DB_ARG_BYTES:
        expect_type(query, type == BYTEA, "a bytea", type);
        value->bytes = arg->data == NULL && arg->count == 0 ? NULL : arg->data;
        value->count = arg->count;
        return;
    case DB_ARG_UUID:
        expect_type(query, type == UUID, "a uuid", type);
        value->bytes = arg->data == NULL || uuid_is_nil(arg->data) ? NULL : arg->data;
        value->count = sizeof(struct uuid);
        return;
    case DB_ARG_TIME:
        value_time(value, query, type, arg->number);
        return;
    case DB_ARG_INTS:
    case DB_ARG_TEXTS:
    case DB_ARG_UUIDS:
        break;
    }
    db_bug(query, "an array is given where the server wants type %u", type);
}

/* ---- arrays in ---- */

static void put_header(uint8_t *to, bool has_null, Oid element, size_t count)
{
    put_be32(to, 1); /* dimensions */
    put_be32(to + 4, has_null);
    put_be32(to + 8, element);
    put_be32(to + 12, (uint32_t)count);
    put_be32(to + 16, 1); /* lower bound */
}

/* Appends one element; returns true when it is NULL. */
static bool put_element(struct db_buffer *buffer, const struct value *value)
{
    if (value->bytes == NULL) {
        put_be32(buffer_take(buffer, 4), UINT32_MAX);
        return true;
    }
    uint8_t *to = buffer_take(buffer, 4 + value->count);
    put_be32(to, (uint32_t)value->count);
    if (value->count > 0)
        memcpy(to + 4, value->bytes, value->count);
    return false;
}

static struct db_arg element_at(const struct db_arg *array, size_t index)
{
    switch (array->kind) {
    case DB_ARG_INTS:
        return db_int(((const int64_t *)array->data)[index]);
    case DB_ARG_TEXTS:
        return db_text(((const char *const *)array->data)[index]);
    case DB_ARG_UUIDS:
        return db_uuid((const struct uuid *)array->data + index);
    case DB_ARG_NULL:
    case DB_ARG_INT:
    case DB_ARG_BOOL:
    case DB_ARG_TEXT:
    case DB_ARG_BYTES:
    case DB_ARG_UUID:
    case DB_ARG_TIME:
        break;
    }
    return db_null();
}

static void encode_array(struct db_buffer *buffer, const char *query, Oid type,
                         const struct db_arg *array)
{
    Oid element = element_of(type);
    expect_type(query, element != 0, "an array", type);
    if (array->count == 0) {
        uint8_t *to = buffer_take(buffer, 12); /* no dimensions */
        memset(to, 0, 8);
        put_be32(to + 8, element);
        return;
    }
    size_t header = buffer->used;
    buffer_take(buffer, ARRAY_HEADER_BYTES);
    bool has_null = false;
    for (size_t i = 0; i < array->count; i++) {
        struct db_arg arg = element_at(array, i);
        struct value value;
        value_of(&value, query, element, &arg);
        has_null |= put_element(buffer, &value);
    }
    put_header(buffer->data + header, has_null, element, array->count);
}

static bool is_array(const struct db_arg *arg)
{
    return arg->kind == DB_ARG_INTS || arg->kind == DB_ARG_TEXTS || arg->kind == DB_ARG_UUIDS;
}

/* Points libpq at a value, or remembers where in scratch it begins: scratch may still move. */
static void encode_one(struct db *db, const struct db_statement *statement, size_t index,
                       const struct db_arg *arg)
{
    Oid type = statement->params[index];
    db->values[index] = NULL;
    db->offsets[index] = SIZE_MAX;
    size_t start = db->scratch.used;
    struct value value;
    if (is_array(arg)) {
        encode_array(&db->scratch, statement->name, type, arg);
        db->offsets[index] = start;
        db->lengths[index] = (int)(db->scratch.used - start);
        return;
    }
    value_of(&value, statement->name, type, arg);
    db->lengths[index] = (int)value.count;
    if (value.bytes == value.small) {
        memcpy(buffer_take(&db->scratch, value.count), value.small, value.count);
        db->offsets[index] = start;
    } else {
        db->values[index] = value.bytes;
    }
}

void db_encode(struct db *db, const struct db_statement *statement, const struct db_arg *args,
               size_t nargs)
{
    if (nargs != (size_t)statement->nparams)
        db_bug(statement->name, "%zu values for %d parameters", nargs, statement->nparams);
    db->scratch.used = 0;
    for (size_t i = 0; i < nargs; i++)
        encode_one(db, statement, i, &args[i]);
    for (size_t i = 0; i < nargs; i++) {
        if (db->offsets[i] != SIZE_MAX)
            db->values[i] = (const char *)db->scratch.data + db->offsets[i];
    }
}

/* ---- column sets ---- */

struct db_columns *db_columns_new(struct db *db, int query)
{
    const struct db_statement *statement = &db->statements[query];
    size_t count = (size_t)statement->nparams;
    struct db_columns *columns = calloc(1, sizeof(*columns) + count * sizeof(struct db_column));
    if (columns == NULL)
        abort();
    columns->db = db;
    columns->query = query;
    columns->count = statement->nparams;
    for (size_t i = 0; i < count; i++) {
        Oid element = element_of(statement->params[i]);
        if (element == 0)
            db_bug(statement->name, "parameter %zu of a column set is of type %u, not an array",
                   i + 1, statement->params[i]);
        columns->column[i].element = element;
        buffer_take(&columns->column[i].buffer, ARRAY_HEADER_BYTES);
    }
    return columns;
}

/* Room is kept for the next transaction, unless this one was out of the ordinary. */
void db_columns_empty(struct db_columns *columns)
{
    columns->rows = 0;
    for (int i = 0; i < columns->count; i++) {
        struct db_buffer *buffer = &columns->column[i].buffer;
        columns->column[i].has_null = false;
        if (buffer->room > MAX_KEPT_BYTES) {
            free(buffer->data);
            *buffer = (struct db_buffer){0};
            buffer_take(buffer, ARRAY_HEADER_BYTES);
        }
        buffer->used = ARRAY_HEADER_BYTES;
    }
}

void db_columns_free(struct db_columns **columns)
{
    if (*columns == NULL)
        return;
    for (int i = 0; i < (*columns)->count; i++)
        free((*columns)->column[i].buffer.data);
    free(*columns);
    *columns = NULL;
}

void db_encode_columns(struct db *db, struct db_columns *columns)
{
    for (int i = 0; i < columns->count; i++) {
        struct db_column *column = &columns->column[i];
        put_header(column->buffer.data, column->has_null, column->element, columns->rows);
        db->values[i] = (const char *)column->buffer.data;
        db->lengths[i] = (int)column->buffer.used;
    }
}

void db_add_(struct db_columns *columns, const struct db_arg *args, size_t nargs)
{
    const char *name = columns->db->statements[columns->query].name;
    if (nargs != (size_t)columns->count)
        db_bug(name, "%zu values for %d columns", nargs, columns->count);
    args++; /* past the placeholder of DB_ARGS() */
    bool is_full = ++columns->rows == MAX_SET_ROWS;
    for (size_t i = 0; i < nargs; i++) {
        struct db_column *column = &columns->column[i];
        struct value value;
        value_of(&value, name, column->element, &args[i]);
        column->has_null |= put_element(&column->buffer, &value);
        is_full |= column->buffer.used > MAX_COLUMN_BYTES;
    }
    columns->db->has_written = true;
    columns->db->writes++;
    /* Trouble sticks to the transaction, where the next call finds it. */
    if (is_full && db_flush_columns(columns->db) != STATUS_OK)
        return;
}

/* ---- rows out ---- */

static bool can_read(enum db_type field, Oid type)
{
    switch (field) {
    case DB_INT32:
        return type == INT4 || type == INT2;
    case DB_INT64:
        return type == INT8 || type == INT4 || type == INT2 || type == OIDTYPE;
    case DB_BOOLEAN:
        return type == BOOL;
    case DB_TEXT:
    case DB_CHAR4:
        return is_texty(type);
    case DB_BYTEA:
        return type == BYTEA;
    case DB_UUID:
        return type == UUID;
    case DB_TIMESTAMP:
        return type == TIMESTAMPTZ || type == TIMESTAMP || type == DATE;
    }
    return false;
}

static void bind_field(const struct db_statement *statement, const struct db_field *field,
                       struct db_binding *binding)
{
    for (int i = 0; i < statement->ncolumns; i++) {
        if (strcmp(statement->column_names[i], field->column) != 0)
            continue;
        if (!can_read(field->type, statement->columns[i]))
            db_bug(statement->name, "column %s is of type %u, which the shape does not read",
                   field->column, statement->columns[i]);
        *binding = (struct db_binding){i, statement->columns[i]};
        return;
    }
    db_bug(statement->name, "there is no column %s in the result", field->column);
}

/* Columns are looked for by name once per statement and shape. */
static void bind_shape(struct db_statement *statement, const struct db_shape *shape)
{
    if (statement->bound == shape)
        return;
    free(statement->bindings);
    statement->bindings = calloc(shape->count, sizeof(*statement->bindings));
    if (statement->bindings == NULL)
        abort();
    for (size_t i = 0; i < shape->count; i++)
        bind_field(statement, &shape->fields[i], &statement->bindings[i]);
    statement->bound = shape;
}

static int64_t read_int(const uint8_t *bytes, Oid type)
{
    switch (type) {
    case INT2:
        return (int16_t)get_be16(bytes);
    case INT4:
        return (int32_t)get_be32(bytes);
    case OIDTYPE:
        return get_be32(bytes);
    default: /* the server's types, not an enum of ours */
        return (int64_t)get_be64(bytes);
    }
}

static int64_t read_time(const uint8_t *bytes, Oid type)
{
    int64_t us = type == DATE ? (int32_t)get_be32(bytes) * DAY_US : (int64_t)get_be64(bytes);
    int64_t since_1970;
    if (__builtin_add_overflow(us, POSTGRES_EPOCH_US, &since_1970))
        return INT64_MAX; /* infinity */
    return since_1970;
}

static void read_field(struct arena *arena, enum db_type field, Oid type, const uint8_t *bytes,
                       size_t count, void *target)
{
    switch (field) {
    case DB_INT32:
        *(int32_t *)target = (int32_t)read_int(bytes, type);
        return;
    case DB_INT64:
        *(int64_t *)target = read_int(bytes, type);
        return;
    case DB_BOOLEAN:
        *(bool *)target = bytes[0] != 0;
        return;
    case DB_TEXT:
        *(char **)target = arena_strndup(arena, (const char *)bytes, count);
        return;
    case DB_CHAR4:
        assert(count < 4); /* a currency */
        memcpy(target, bytes, count);
        return;
    case DB_BYTEA:
        *(struct db_bytea *)target = (struct db_bytea){arena_copy(arena, bytes, count), count};
        return;
    case DB_UUID:
        memcpy(target, bytes, sizeof(struct uuid));
        return;
    case DB_TIMESTAMP:
        *(int64_t *)target = read_time(bytes, type);
        return;
    }
}

void db_decode(struct db *db, struct db_statement *statement, const PGresult *result,
               const struct db_shape *shape, void **rows, size_t *count)
{
    bind_shape(statement, shape);
    int nrows = PQntuples(result);
    char *row = arena_array(db->arena, (size_t)nrows, shape->size);
    *rows = row;
    *count = (size_t)nrows;
    for (int i = 0; i < nrows; i++, row += shape->size) {
        for (size_t f = 0; f < shape->count; f++) {
            const struct db_field *field = &shape->fields[f];
            int column = statement->bindings[f].column;
            if (PQgetisnull(result, i, column))
                continue;
            read_field(db->arena, field->type, statement->bindings[f].type,
                       (const uint8_t *)PQgetvalue(result, i, column),
                       (size_t)PQgetlength(result, i, column), row + field->offset);
        }
    }
}
