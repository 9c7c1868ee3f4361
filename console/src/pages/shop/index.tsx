import { call } from "../../api/client";
import { t, words } from "../../i18n";
import { Facts, Loaded, Panel } from "../../ui/parts";
import { useResource } from "../../ui/resource";
import { w } from "../../ui/words";

const p = words({
    title: ["Shop", "商店"],
    zone: ["Time zone", "時區"],
    tax: ["Prices", "價格"],
    withTax: ["Tax included", "含稅"],
    withoutTax: ["Tax added", "未稅"],
    languages: ["Languages", "語言"],
    mail: ["Mail from", "寄件者"],
    file: ["These stand in the configuration file of the installation (penstock.conf).", "這些設定位於安裝的設定檔(penstock.conf)。"],
});

export default function ShopPage() {
    const shop = useResource("shop", (signal) => call("GET /v1/shop", {}, { signal }));
    return (
        <div className="page narrow">
            <h1>{t(p.title)}</h1>
            <Panel title={t(w.details)}>
                <Loaded from={shop} rows={5}>
                    {(found) => (
                        <>
                            <Facts
                                rows={[
                                    [t(w.name), found.name],
                                    [t(p.zone), found.time_zone],
                                    [t(w.currency), found.currency],
                                    [t(p.tax), t(found.prices_include_tax ? p.withTax : p.withoutTax)],
                                    [t(p.languages), found.languages.join(", ")],
                                    [t(p.mail), found.mail_from],
                                ]}
                            />
                            <p className="fine">{t(p.file)}</p>
                        </>
                    )}
                </Loaded>
            </Panel>
        </div>
    );
}
