// A list in an order that the user chooses. Dragging, the keyboard and the buttons move an item.

import {
  type Announcements,
  closestCenter,
  DndContext,
  type DragEndEvent,
  KeyboardSensor,
  PointerSensor,
  type UniqueIdentifier,
  useSensor,
  useSensors,
} from "@dnd-kit/core";
import {
  SortableContext,
  sortableKeyboardCoordinates,
  useSortable,
  verticalListSortingStrategy,
} from "@dnd-kit/sortable";
import { CSS } from "@dnd-kit/utilities";
import { Button } from "antd";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { ArrowDownOutlined, ArrowUpOutlined, CloseOutlined, HolderOutlined } from "./icons";

export interface SortableItem {
  id: UniqueIdentifier;
  name: string; // for screen readers
  content: ReactNode;
}

interface Props {
  label: string;
  items: SortableItem[];
  onMove: (from: number, to: number) => void;
  onRemove: (index: number) => void;
}

export function SortableList({ label, items, onMove, onRemove }: Props) {
  const { t } = useTranslation();
  const sensors = useSensors(
    useSensor(PointerSensor, { activationConstraint: { distance: 4 } }),
    useSensor(KeyboardSensor, { coordinateGetter: sortableKeyboardCoordinates }),
  );
  const placeOf = (id: UniqueIdentifier) => items.findIndex((item) => item.id === id);
  const move = (from: number, to: number) => {
    if (from >= 0 && to >= 0 && to < items.length && from !== to) {
      onMove(from, to);
    }
  };
  const wordsFor = (id: UniqueIdentifier, over?: UniqueIdentifier) => ({
    name: items[placeOf(id)]?.name ?? "",
    position: placeOf(over ?? id) + 1,
    count: items.length,
  });
  const announcements: Announcements = {
    onDragStart: ({ active }) => t("policies.order.picked", wordsFor(active.id)),
    onDragOver: ({ active, over }) => t("policies.order.over", wordsFor(active.id, over?.id)),
    onDragEnd: ({ active, over }) => t("policies.order.dropped", wordsFor(active.id, over?.id)),
    onDragCancel: ({ active }) => t("policies.order.cancelled", wordsFor(active.id)),
  };
  return (
    <DndContext
      sensors={sensors}
      collisionDetection={closestCenter}
      onDragEnd={({ active, over }: DragEndEvent) => over && move(placeOf(active.id), placeOf(over.id))}
      accessibility={{ announcements, screenReaderInstructions: { draggable: t("policies.order.how") } }}
    >
      <SortableContext items={items.map(({ id }) => id)} strategy={verticalListSortingStrategy}>
        <ol className="rule-order" aria-label={label}>
          {items.map((item, i) => (
            <Item
              key={item.id}
              item={item}
              isFirst={i === 0}
              isLast={i === items.length - 1}
              onMove={(by) => move(i, i + by)}
              onRemove={() => onRemove(i)}
            />
          ))}
        </ol>
      </SortableContext>
    </DndContext>
  );
}

interface ItemProps {
  item: SortableItem;
  isFirst: boolean;
  isLast: boolean;
  onMove: (by: 1 | -1) => void;
  onRemove: () => void;
}

function Item({ item: { id, name, content }, isFirst, isLast, onMove, onRemove }: ItemProps) {
  const { t } = useTranslation();
  const { attributes, listeners, setNodeRef, setActivatorNodeRef, transform, transition, isDragging } = useSortable({
    id,
  });
  return (
    <li
      ref={setNodeRef}
      className={isDragging ? "dragging" : ""}
      style={{ transform: CSS.Translate.toString(transform), transition }}
    >
      <Button
        ref={setActivatorNodeRef}
        type="text"
        icon={<HolderOutlined />}
        {...attributes}
        {...listeners}
        aria-label={t("policies.order.move", { name })}
      />
      <span className="grow">{content}</span>
      <Button
        type="text"
        icon={<ArrowUpOutlined />}
        disabled={isFirst}
        onClick={() => onMove(-1)}
        aria-label={t("policies.order.up", { name })}
      />
      <Button
        type="text"
        icon={<ArrowDownOutlined />}
        disabled={isLast}
        onClick={() => onMove(1)}
        aria-label={t("policies.order.down", { name })}
      />
      <Button
        type="text"
        icon={<CloseOutlined />}
        onClick={onRemove}
        aria-label={t("policies.order.remove", { name })}
      />
    </li>
  );
}
