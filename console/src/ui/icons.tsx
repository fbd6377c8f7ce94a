// The icons of the console. An icon without a label is hidden from screen readers, because the text beside it or the label of its
// button has the same meaning.
import * as ant from "@ant-design/icons";
import type { ComponentProps } from "react";

type Icon = typeof ant.PlusOutlined;

function decorative(Drawing: Icon) {
  return function Decoration(props: ComponentProps<Icon>) {
    return <Drawing aria-hidden={props["aria-label"] === undefined} {...props} />;
  };
}

export const ApartmentOutlined = decorative(ant.ApartmentOutlined);
export const ArrowDownOutlined = decorative(ant.ArrowDownOutlined);
export const ArrowUpOutlined = decorative(ant.ArrowUpOutlined);
export const CheckOutlined = decorative(ant.CheckOutlined);
export const CheckCircleOutlined = decorative(ant.CheckCircleOutlined);
export const ClockCircleOutlined = decorative(ant.ClockCircleOutlined);
export const CloseCircleOutlined = decorative(ant.CloseCircleOutlined);
export const CloseOutlined = decorative(ant.CloseOutlined);
export const CopyOutlined = decorative(ant.CopyOutlined);
export const DashboardOutlined = decorative(ant.DashboardOutlined);
export const DeleteOutlined = decorative(ant.DeleteOutlined);
export const DownOutlined = decorative(ant.DownOutlined);
export const DownloadOutlined = decorative(ant.DownloadOutlined);
export const EditOutlined = decorative(ant.EditOutlined);
export const ExportOutlined = decorative(ant.ExportOutlined);
export const FieldTimeOutlined = decorative(ant.FieldTimeOutlined);
export const FilterOutlined = decorative(ant.FilterOutlined);
export const GlobalOutlined = decorative(ant.GlobalOutlined);
export const HolderOutlined = decorative(ant.HolderOutlined);
export const InfoCircleOutlined = decorative(ant.InfoCircleOutlined);
export const LeftOutlined = decorative(ant.LeftOutlined);
export const LinkOutlined = decorative(ant.LinkOutlined);
export const LogoutOutlined = decorative(ant.LogoutOutlined);
export const MenuOutlined = decorative(ant.MenuOutlined);
export const MessageOutlined = decorative(ant.MessageOutlined);
export const MoonOutlined = decorative(ant.MoonOutlined);
export const PlusOutlined = decorative(ant.PlusOutlined);
export const RedoOutlined = decorative(ant.RedoOutlined);
export const RightCircleOutlined = decorative(ant.RightCircleOutlined);
export const RightOutlined = decorative(ant.RightOutlined);
export const RocketOutlined = decorative(ant.RocketOutlined);
export const SearchOutlined = decorative(ant.SearchOutlined);
export const SendOutlined = decorative(ant.SendOutlined);
export const SettingOutlined = decorative(ant.SettingOutlined);
export const SunOutlined = decorative(ant.SunOutlined);
export const SyncOutlined = decorative(ant.SyncOutlined);
export const ThunderboltOutlined = decorative(ant.ThunderboltOutlined);
export const UpOutlined = decorative(ant.UpOutlined);
export const UnorderedListOutlined = decorative(ant.UnorderedListOutlined);
export const WarningOutlined = decorative(ant.WarningOutlined);
export const WhatsAppOutlined = decorative(ant.WhatsAppOutlined);
