import type { MouseEvent } from "react";
import { useNavigate } from "react-router";

/**
 * useRowLink makes a click anywhere in a row of a table follow its link. The row has a real link too, for the keyboard. A row without
 * an address is not clickable.
 */
export function useRowLink(): (to: string | undefined) => {
  className?: string;
  onClick?: (event: MouseEvent<HTMLElement>) => void;
} {
  const navigate = useNavigate();
  return (to) =>
    to === undefined
      ? {}
      : {
          className: "row-link",
          onClick: (event) => {
            const isOther = (event.target as Element).closest("a, button") !== null;
            if (!isOther && window.getSelection()?.isCollapsed !== false) {
              navigate(to);
            }
          },
        };
}
