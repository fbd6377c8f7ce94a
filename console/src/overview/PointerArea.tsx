import { type MouseEvent, type PointerEvent, type ReactNode, useRef, useState } from "react";
import { useHref, useNavigate } from "react-router";
import type { Bounds } from "./range";
import { useSendsLink } from "./scope";
import type { Part, Row, View } from "./series";

/** plot is the place of the bars in the area, from its left and its right edge. */
export const plot = { left: 48, right: 4 }; // px

/** partClass is the class of the bars of a part. */
export function partClass({ key }: Part): string {
  return `part-${key}`;
}

interface Drag {
  from: number; // the indexes of rows
  to: number;
}

interface Props {
  view: View;
  onZoom: (bounds: Bounds) => void;
  children: ReactNode; // the charts
}

/**
 * PointerArea handles the mouse and the finger on its charts. A click opens the sends of a bar, or of the part of it that it hits. A
 * drag of the mouse zooms into a range. The first tap on a bar shows its numbers, and the second opens its sends. The charts
 * draw their bars anew when they render, and a bar that is replaced during a click gets no click. So the state is kept here.
 */
export function PointerArea({ view: { rows, parts }, onZoom, children }: Props) {
  const link = useSendsLink();
  const navigate = useNavigate();
  const home = useHref("/");
  const [drag, setDrag] = useState<Drag>();
  const pressed = useRef<number>(undefined); // while the button is down
  const hasDragged = useRef(false); // since the newest press
  const tapped = useRef<number>(undefined);

  const indexAt = (event: MouseEvent<HTMLElement>) => {
    const box = event.currentTarget.getBoundingClientRect();
    const share = (event.clientX - box.left - plot.left) / (box.width - plot.left - plot.right);
    return Math.floor(share * rows.length);
  };
  const press = (event: PointerEvent<HTMLElement>) => {
    hasDragged.current = false;
    pressed.current = event.pointerType === "mouse" && event.button === 0 ? indexAt(event) : undefined;
  };
  const move = (event: PointerEvent<HTMLElement>) => {
    const from = pressed.current;
    const to = Math.min(Math.max(indexAt(event), 0), rows.length - 1);
    if (from === undefined || !rows[from] || to === (drag?.to ?? from)) {
      return;
    }
    hasDragged.current = true;
    event.currentTarget.setPointerCapture(event.pointerId); // the drag may leave the area
    setDrag({ from, to });
  };
  const [first, last] = drag ? [Math.min(drag.from, drag.to), Math.max(drag.from, drag.to)] : [0, 0];
  const release = () => {
    pressed.current = undefined;
    setDrag(undefined);
    const [begin, end] = [rows[first], rows[last]];
    if (first !== last && begin && end) {
      onZoom({ from: begin.bounds.from, until: end.bounds.until });
    }
  };
  const cancel = () => {
    pressed.current = undefined;
    setDrag(undefined);
  };
  const open = (row: Row, event: MouseEvent<HTMLElement>) => {
    const target = event.target as Element;
    const part = parts.find((candidate) => target.closest(`.${partClass(candidate)}`));
    const to = link({ ...part?.filter, ...row.bounds });
    if (event.ctrlKey || event.metaKey) {
      window.open(home.replace(/\/$/, "") + to);
    } else {
      navigate(to);
    }
  };
  const click = (event: MouseEvent<HTMLElement>) => {
    const index = indexAt(event);
    const row = rows[index];
    if (!row || row.sends === 0 || hasDragged.current) {
      return;
    }
    const isTouch = (event.nativeEvent as globalThis.PointerEvent).pointerType === "touch";
    if (isTouch && tapped.current !== index) {
      tapped.current = index;
      return;
    }
    open(row, event);
  };
  const width = `(100% - ${plot.left + plot.right}px) / ${rows.length}`;
  const handlers = {
    onPointerDown: press,
    onPointerMove: move,
    onPointerUp: release,
    onPointerCancel: cancel,
    onClick: click,
  };
  // The table in place of the chart has the same links for the keyboard.
  return (
    <div className="bars" {...handlers}>
      {first !== last && (
        <span
          className="bars-selection"
          style={{
            insetInlineStart: `calc(${plot.left}px + ${width} * ${first})`,
            inlineSize: `calc(${width} * ${last + 1 - first})`,
          }}
        />
      )}
      {children}
    </div>
  );
}
