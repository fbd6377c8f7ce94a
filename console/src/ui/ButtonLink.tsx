import { Button, type ButtonProps } from "antd";
import type { MouseEvent } from "react";
import { useHref, useLinkClickHandler } from "react-router";

/** ButtonLink looks like a button and is a link to a page of the console: it opens in a new tab as links do. */
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
