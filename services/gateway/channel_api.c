#include "services/gateway/channel_api.h"

#include <curl/curl.h>
#include <string.h>

struct body {
    struct arena *arena;
    char *bytes;
    size_t count, room;
};

static size_t take_bytes(char *from, size_t size, size_t many, void *context)
{
    struct body *body = context;
    size_t count = size * many;
    if (count > CHANNEL_API_MAX_BYTES - body->count)
        return 0; /* ends the call */
    if (body->count + count > body->room) {
        body->room = (body->count + count) * 2;
        char *more = arena_alloc(body->arena, body->room);
        if (body->count > 0)
            memcpy(more, body->bytes, body->count);
        body->bytes = more;
    }
    if (count > 0)
        memcpy(body->bytes + body->count, from, count);
    body->count += count;
    return count;
}

bool channel_api_url_is_valid(const char *url)
{
    static const char *const schemes[] = {"https://", "http://127.0.0.1:", "http://127.0.0.1/",
                                          "http://[::1]:"};
    size_t length = strlen(url);
    bool is_known = false;
    if (length > 255 || strpbrk(url, "@?#\\") != NULL)
        return false;
    for (size_t i = 0; i < length; i++)
        if (url[i] <= ' ' || url[i] > '~')
            return false;
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
        is_known |=
            strncmp(url, schemes[i], strlen(schemes[i])) == 0 && length > strlen(schemes[i]);
    return is_known;
}

static void set_options(CURL *curl, const struct channel_api *api,
                        const struct api_request *request, struct body *body)
{
    const char *slash = api->url[strlen(api->url) - 1] == '/' ? "" : "/";
    curl_easy_setopt(curl, CURLOPT_URL,
                     arena_printf(body->arena, "%s%s%s", api->url, slash, request->path));
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https,http");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, CHANNEL_API_TIMEOUT_S);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_bytes);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, body);
    if (request->has_password) {
        curl_easy_setopt(curl, CURLOPT_USERNAME, api->user);
        curl_easy_setopt(curl, CURLOPT_PASSWORD, api->secret);
    }
    if (request->body != NULL)
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body);
}

static struct curl_slist *headers_of(const struct api_request *request)
{
    struct curl_slist *list = curl_slist_append(NULL, "Content-Type: application/json");
    list = curl_slist_append(list, "Accept: application/json");
    return request->header != NULL ? curl_slist_append(list, request->header) : list;
}

void channel_api_call(const struct channel_api *api, const struct api_request *request,
                      struct arena *arena, struct api_answer *answer)
{
    struct body body = {.arena = arena};
    struct json_error error;
    long code = 0;
    *answer = (struct api_answer){.error = "the call could not be made"};
    CURL *curl = curl_easy_init();
    if (curl == NULL)
        return;
    struct curl_slist *headers = headers_of(request);
    set_options(curl, api, request, &body);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    CURLcode result = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &code);
    answer->code = result == CURLE_OK ? (int)code : 0;
    answer->error = result == CURLE_OK ? NULL : arena_strdup(arena, curl_easy_strerror(result));
    if (result == CURLE_OK && body.count > 0)
        answer->body = json_parse(body.bytes, body.count, JSON_LIMITS_HOOK, arena, &error);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
}
