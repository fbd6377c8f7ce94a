// The icons of the frame and of the first page: they are in the first file. An icon without a label is hidden from screen readers,
// because the text beside it or the label of its button has the same meaning.
import * as ant from "@ant-design/icons";
import type { ComponentProps } from "react";

type Icon = typeof ant.PlusOutlined;

export function decorative(Drawing: Icon) {
  return function Decoration(props: ComponentProps<Icon>) {
    return <Drawing aria-hidden={props["aria-label"] === undefined} {...props} />;
  };
}

export const ApartmentOutlined = decorative(ant.ApartmentOutlined);
export const ApiOutlined = decorative(ant.ApiOutlined);
export const ArrowDownOutlined = decorative(ant.ArrowDownOutlined);
export const ArrowUpOutlined = decorative(ant.ArrowUpOutlined);
export const AuditOutlined = decorative(ant.AuditOutlined);
export const DashboardOutlined = decorative(ant.DashboardOutlined);
export const FieldTimeOutlined = decorative(ant.FieldTimeOutlined);
export const FileTextOutlined = decorative(ant.FileTextOutlined);
export const KeyOutlined = decorative(ant.KeyOutlined);
export const LogoutOutlined = decorative(ant.LogoutOutlined);
export const MenuOutlined = decorative(ant.MenuOutlined);
export const NotificationOutlined = decorative(ant.NotificationOutlined);
export const MessageOutlined = decorative(ant.MessageOutlined);
export const RocketOutlined = decorative(ant.RocketOutlined);
export const SafetyOutlined = decorative(ant.SafetyOutlined);
export const SendOutlined = decorative(ant.SendOutlined);
export const StopOutlined = decorative(ant.StopOutlined);
export const UserOutlined = decorative(ant.UserOutlined);
export const TeamOutlined = decorative(ant.TeamOutlined);
