"""Invented people's names and telephone area codes for the sample customers."""

FIRST = """
    Aaliyah Adam Aisha Alejandro Amara Amit Andre Anna Bao Beatriz Benjamin Bilal Carlos Chloe Chidi
    Dalia Daniel Deborah Dmitri Elena Emeka Emily Esther Fatima Fiona Gabriel Grace Hana Hassan
    Helen Hiro Ibrahim Imani Ingrid Isaac Ivy Jamal James Jasmine Jin José Julia Kavya Keisha Kenji
    Laila Leo Linh Lucía Malik Maria Mateo Mei Miguel Mina Mohammed Nadia Nathan Ngozi Nora Olga
    Omar Patricia Paulo Priya Rachel Rafael Renée Robert Rosa Ruth Samir Sanjay Sara Sofia Tamika
    Tariq Thomas Tyrone Valentina Victor Wei William Xavier Yara Yuki Yusuf Zainab Zoe
""".split()  # noqa: SIM905 - readable as it is

LAST = """
    Abdi Adeyemi Ahmed Alvarez Anderson Banerjee Baptiste Becker Bennett Brown Campbell Castillo
    Chen Choi Cohen Collins Cruz Davis Delgado Desai Diaz Dubois Edwards Eriksen Farah Fernandes
    Flores Foster García Goldberg Gonzalez Gupta Haddad Harris Hernandez Hoang Ito Jackson Johnson
    Kaplan Kaur Khan Kim Kowalski Kumar Larsen Lee Lopez Mahmoud Martin Mbeki McCarthy Mendoza
    Morales Müller Murphy Nakamura Nguyen Novak O'Neill Okafor Okoye Osei Park Patel Pereira Petrov
    Pham Ramirez Reyes Rivera Robinson Rossi Santos Sato Schmidt Shah Silva Singh Smith Sokolov
    Suzuki Taylor Thompson Torres Tran Walker Wang Washington Williams Wong Wright Yamamoto Yilmaz
    Young Zhang
""".split()  # noqa: SIM905 - readable as it is

# Each area code has one hundred fictional numbers (555-0100 to 555-0199): 5,000 people in all.
AREA_CODES = """
    201 202 203 207 212 215 216 229 240 267 301 302 304 305 315 321 330 336 347 352 401 404 407 410
    412 413 419 434 440 443 475 478 484 502 508 513 540 551 561 570 585 603 607 609 610 614 617 631
    646 678
""".split()  # noqa: SIM905 - readable as it is
