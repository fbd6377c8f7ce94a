import { Button, type ButtonProps } from "antd";
import type { MouseEvent } from "react";
import { useHref, useLinkClickHandler } from "react-router";

/** ButtonLink is a link to a page of the console that looks like a button. As a link, it can open in a new tab. */
export function ButtonLink({ to, ...props }: { to: string } & Omit<ButtonProps, "href" | "onClick">) {
  const follow = useLinkClickHandler(to);
  return (
    <Button
      {...props}
      href={useHref(to)}
      onClick={(event: MouseEvent<HTMLElement>) => follow(event as MouseEvent<HTMLAnchorElement>)}
    />
  );
}
