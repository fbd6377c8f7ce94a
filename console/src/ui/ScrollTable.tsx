import { Table, type TableProps } from "antd";

/**
 * ScrollTable is a table of which a narrow window shows a part. It holds nothing that takes the focus, so it takes it itself:
 * then the keyboard scrolls it.
 */
export function ScrollTable<Row extends object>({ label, ...props }: { label: string } & TableProps<Row>) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by the keyboard (WCAG 2.1.1)
    <section className="scroll" tabIndex={0} aria-label={label}>
      <Table<Row> size="small" pagination={false} {...props} />
    </section>
  );
}
