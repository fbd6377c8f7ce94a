// All that only the Chinese console needs. It is loaded on demand.
import antd from "antd/locale/zh_CN";
import dayjs from "dayjs";
import "dayjs/locale/zh-cn";
import { scenarios } from "./scenarios.zh-CN";
import { zhCN } from "./zh-CN";

export const chinese = {
  words: { ...zhCN, scenarios },
  antd,
  setDates: (on: boolean) => dayjs.locale(on ? "zh-cn" : "en"),
};
