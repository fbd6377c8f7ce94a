import { Empty } from "antd";
import type { ReactNode } from "react";

/** EmptyState shows why a list is empty, and what to do first. */
export function EmptyState({ title, about, action }: { title: string; about?: ReactNode; action?: ReactNode }) {
  return (
    <Empty
      image={Empty.PRESENTED_IMAGE_SIMPLE}
      description={
        <>
          <strong>{title}</strong>
          {about && <p>{about}</p>}
        </>
      }
    >
      {action}
    </Empty>
  );
}
