import { Table, type TableProps } from "antd";

/** ScrollTable is a table that scrolls in a narrow window. It can have the focus, so that the keyboard can scroll it. */
export function ScrollTable<Row extends object>({ label, ...props }: { label: string } & TableProps<Row>) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: an element that scrolls must be reachable by the keyboard (WCAG 2.1.1)
    <section className="scroll" tabIndex={0} aria-label={label}>
      <Table<Row> size="small" pagination={false} {...props} />
    </section>
  );
}
