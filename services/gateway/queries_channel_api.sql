-- name: channel_api
SELECT name, type, api_url, api_user, api_secret FROM channel WHERE name = $1;

-- name: channel_api_update
UPDATE channel SET api_url = $2, api_user = $3, api_secret = $4 WHERE name = $1;
