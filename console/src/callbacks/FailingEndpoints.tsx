import { useQuery } from "@tanstack/react-query";
import { Alert, Button } from "antd";
import { useTranslation } from "react-i18next";
import { callbackEndpointsQuery } from "../api/queries";
import { TimeText } from "../ui/TimeText";

const shown = 5; // more would push the list away

/** FailingEndpoints warns of the URLs that fail, the paused ones first. */
export function FailingEndpoints({ onShow }: { onShow: (url: string) => void }) {
  const { t } = useTranslation();
  const endpoints = useQuery(callbackEndpointsQuery).data?.items ?? [];
  return endpoints.slice(0, shown).map((one) => (
    <Alert
      key={one.url}
      className="problem"
      type={one.paused_at ? "error" : "warning"}
      showIcon
      title={
        <span className="break">{t(one.paused_at ? "callbacks.paused" : "callbacks.failing", { url: one.url })}</span>
      }
      description={
        <>
          {t(one.paused_at ? "callbacks.pausedMeans" : "callbacks.failingMeans", { failures: one.failures })}{" "}
          {one.status ?? <span lang="en">{one.error}</span>}
          <br />
          {t("callbacks.since")} <TimeText at={one.failing_since} />
          {one.retry_at && (
            <>
              {" · "}
              {t("callbacks.nextProbe")} <TimeText at={one.retry_at} />
            </>
          )}
        </>
      }
      action={
        <Button size="small" onClick={() => onShow(one.url)}>
          {t("callbacks.show")}
        </Button>
      }
    />
  ));
}
