// The ordered rules of a policy. Dragging, the keyboard and the buttons move a rule.

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
  arrayMove,
  SortableContext,
  sortableKeyboardCoordinates,
  useSortable,
  verticalListSortingStrategy,
} from "@dnd-kit/sortable";
import { CSS } from "@dnd-kit/utilities";
import { Button } from "antd";
import { useTranslation } from "react-i18next";
import type { Rule } from "../api/client";
import { meaning } from "../rules/meaning";
import { ArrowDownOutlined, ArrowUpOutlined, CloseOutlined, HolderOutlined } from "../ui/icons";

interface Props {
  rules: Rule[];
  onChange: (rules: Rule[]) => void;
}

export function RuleOrder({ rules, onChange }: Props) {
  const { t } = useTranslation();
  const sensors = useSensors(
    useSensor(PointerSensor, { activationConstraint: { distance: 4 } }),
    useSensor(KeyboardSensor, { coordinateGetter: sortableKeyboardCoordinates }),
  );
  const placeOf = (id: UniqueIdentifier) => rules.findIndex((rule) => rule.id === id);
  const move = (from: number, to: number) => {
    if (from >= 0 && to >= 0 && to < rules.length && from !== to) {
      onChange(arrayMove(rules, from, to));
    }
  };
  const wordsFor = (id: UniqueIdentifier, over?: UniqueIdentifier) => ({
    name: rules[placeOf(id)]?.name ?? "",
    position: placeOf(over ?? id) + 1,
    count: rules.length,
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
      <SortableContext items={rules.map((rule) => rule.id)} strategy={verticalListSortingStrategy}>
        <ol className="rule-order" aria-label={t("policies.included")}>
          {rules.map((rule, i) => (
            <Item
              key={rule.id}
              rule={rule}
              isFirst={i === 0}
              isLast={i === rules.length - 1}
              onMove={(by) => move(i, i + by)}
              onRemove={() => onChange(rules.filter((other) => other.id !== rule.id))}
            />
          ))}
        </ol>
      </SortableContext>
    </DndContext>
  );
}

interface ItemProps {
  rule: Rule;
  isFirst: boolean;
  isLast: boolean;
  onMove: (by: 1 | -1) => void;
  onRemove: () => void;
}

function Item({ rule, isFirst, isLast, onMove, onRemove }: ItemProps) {
  const { t, i18n } = useTranslation();
  const { attributes, listeners, setNodeRef, setActivatorNodeRef, transform, transition, isDragging } = useSortable({
    id: rule.id,
  });
  const named = { name: rule.name };
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
        aria-label={t("policies.order.move", named)}
      />
      <span className="grow">
        <strong>{rule.name}</strong>
        <br />
        <small>{meaning(rule, t, i18n.language)}</small>
      </span>
      <Button
        type="text"
        icon={<ArrowUpOutlined />}
        disabled={isFirst}
        onClick={() => onMove(-1)}
        aria-label={t("policies.order.up", named)}
      />
      <Button
        type="text"
        icon={<ArrowDownOutlined />}
        disabled={isLast}
        onClick={() => onMove(1)}
        aria-label={t("policies.order.down", named)}
      />
      <Button type="text" icon={<CloseOutlined />} onClick={onRemove} aria-label={t("policies.order.remove", named)} />
    </li>
  );
}
