// The icons of the console that the first file does without.
import * as ant from "@ant-design/icons";
import { decorative } from "./firstIcons";

export * from "./firstIcons";

export const CheckOutlined = decorative(ant.CheckOutlined);
export const CheckCircleOutlined = decorative(ant.CheckCircleOutlined);
export const ClockCircleOutlined = decorative(ant.ClockCircleOutlined);
export const CloseCircleOutlined = decorative(ant.CloseCircleOutlined);
export const CloseOutlined = decorative(ant.CloseOutlined);
export const CopyOutlined = decorative(ant.CopyOutlined);
export const DeleteOutlined = decorative(ant.DeleteOutlined);
export const DownOutlined = decorative(ant.DownOutlined);
export const DownloadOutlined = decorative(ant.DownloadOutlined);
export const EditOutlined = decorative(ant.EditOutlined);
export const ExportOutlined = decorative(ant.ExportOutlined);
export const FilterOutlined = decorative(ant.FilterOutlined);
export const GlobalOutlined = decorative(ant.GlobalOutlined);
export const HolderOutlined = decorative(ant.HolderOutlined);
export const InfoCircleOutlined = decorative(ant.InfoCircleOutlined);
export const LeftOutlined = decorative(ant.LeftOutlined);
export const LinkOutlined = decorative(ant.LinkOutlined);
export const MessageOutlined = decorative(ant.MessageOutlined);
export const MoonOutlined = decorative(ant.MoonOutlined);
export const PlusOutlined = decorative(ant.PlusOutlined);
export const RedoOutlined = decorative(ant.RedoOutlined);
export const RightCircleOutlined = decorative(ant.RightCircleOutlined);
export const RightOutlined = decorative(ant.RightOutlined);
export const SearchOutlined = decorative(ant.SearchOutlined);
export const SettingOutlined = decorative(ant.SettingOutlined);
export const SunOutlined = decorative(ant.SunOutlined);
export const SyncOutlined = decorative(ant.SyncOutlined);
export const ThunderboltOutlined = decorative(ant.ThunderboltOutlined);
export const UpOutlined = decorative(ant.UpOutlined);
export const UnorderedListOutlined = decorative(ant.UnorderedListOutlined);
export const UploadOutlined = decorative(ant.UploadOutlined);
export const WarningOutlined = decorative(ant.WarningOutlined);
export const WhatsAppOutlined = decorative(ant.WhatsAppOutlined);
