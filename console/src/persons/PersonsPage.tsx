import { useQuery } from "@tanstack/react-query";
import { Button, Form, Input } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { personQuery } from "../api/queries";
import { bareNumber, checkRecipient, validator } from "../rules/checks";
import { PageHeader } from "../ui/PageHeader";
import { ProblemAlert } from "../ui/ProblemView";
import { Erasures } from "./Erasures";
import { PersonCard } from "./PersonCard";
import { Remains } from "./Remains";

/** PersonsPage finds a person by the whole number, exports what is stored and erases it. The number is never in the address. */
export default function PersonsPage() {
  const { t } = useTranslation();
  const [number, setNumber] = useState("");
  const person = useQuery({ ...personQuery(number), enabled: number !== "" });
  const find = ({ to }: { to?: string }) => {
    setNumber(bareNumber(to));
    if (bareNumber(to) === number) {
      person.refetch();
    }
  };
  return (
    <>
      <PageHeader title={t("persons.title")} about={t("persons.about")} />
      <Form name="person" layout="inline" className="person-form" onFinish={find}>
        <Form.Item
          name="to"
          label={t("persons.number")}
          rules={[validator((to: string | undefined) => checkRecipient(bareNumber(to), t))]}
          validateTrigger="onSubmit"
        >
          <Input type="tel" placeholder="+447400123456" autoComplete="off" />
        </Form.Item>
        <Button type="primary" htmlType="submit" loading={person.isFetching}>
          {t("persons.find")}
        </Button>
      </Form>
      {person.error && <ProblemAlert error={person.error} />}
      {person.data && (
        <div className="columns">
          <PersonCard key={number} number={number} person={person.data} />
          <Remains />
        </div>
      )}
      <Erasures />
    </>
  );
}
